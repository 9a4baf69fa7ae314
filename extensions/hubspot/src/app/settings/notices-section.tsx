import { Checkbox, Flex, Heading, Input, LoadingButton, Text } from '@hubspot/ui-extensions';
import { useState } from 'react';
import type { NoticeChoice, SettingsView } from './settings-view.generated.ts';
import type { Settings } from './use-settings.ts';

interface NoticesSectionProps {
  readonly view: SettingsView;
  readonly settings: Settings;
}

const WORDS: Readonly<Record<NoticeChoice['notice'], readonly [label: string, description: string]>> = {
  review_due: ['Reviews and disputes', 'A reward waits for a yes or no, or a rep says that a referral is wrong.'],
  urgent_alert: ['Urgent alerts', 'Anything that cannot wait, such as far more rewards than usual.'],
  sync_trouble: ['Trouble with the sync', 'Permissions are gone, or nothing comes from HubSpot any more.'],
  drift: ['Changes in HubSpot', 'A stage or a property that Wonward reads is new, renamed or gone.'],
  low_budget: ['Low budget', 'A budget is spent, or lasts less than a week.'],
  payout_failed: ['Failed payouts', 'Several payouts or write-backs have failed and wait for a person.'],
};

const OWNER_ID = /^[0-9]{1,20}$/;

/** What HubSpot gets a task for, and whose it is. */
export function NoticesSection({ view, settings }: NoticesSectionProps) {
  const { notices, settingsVersion, mayChange } = view;
  const [choices, setChoices] = useState<readonly NoticeChoice[]>(notices);
  const change = (notice: NoticeChoice['notice'], part: Partial<NoticeChoice>) =>
    setChoices((before) => before.map((one) => (one.notice === notice ? { ...one, ...part } : one)));
  const isChanged = choices.some(({ isTask, ownerId }, index) => {
    const kept = notices[index];
    return isTask !== kept?.isTask || (isTask && ownerId !== kept.ownerId);
  });
  const isWrong = choices.some(({ isTask, ownerId }) => isTask && ownerId !== null && !OWNER_ID.test(ownerId));
  const save = () =>
    void settings.change('notices', {
      version: settingsVersion,
      notices: choices.filter(({ isTask }) => isTask).map(({ notice, ownerId }) => ({ notice, ownerId })),
    });

  return (
    <Flex direction="column" gap="sm">
      <Heading>Tasks in HubSpot</Heading>
      <Text>
        One task for each case that is opened from now on, on the deal and the contact that it is about. It is completed
        when the case is decided in Wonward; to complete it in HubSpot decides nothing.
      </Text>
      {choices.map(({ notice, isTask, ownerId }) => (
        <Flex key={notice} direction="column" gap="xs">
          <Checkbox
            name={notice}
            checked={isTask}
            readOnly={!mayChange}
            description={WORDS[notice][1]}
            onChange={(isOn) => change(notice, { isTask: isOn })}
          >
            {WORDS[notice][0]}
          </Checkbox>
          {isTask && (
            <Input
              name={`${notice} owner`}
              label={`${WORDS[notice][0]}: whose task`}
              description="HubSpot’s number of an owner; empty: nobody’s in particular"
              readOnly={!mayChange}
              value={ownerId ?? ''}
              error={ownerId !== null && !OWNER_ID.test(ownerId)}
              onInput={(text) => change(notice, { ownerId: text.trim() === '' ? null : text.trim() })}
            />
          )}
        </Flex>
      ))}
      {mayChange && (
        <LoadingButton
          variant="primary"
          loading={settings.busy === 'notices'}
          disabled={!isChanged || isWrong || settings.busy !== null}
          onClick={save}
        >
          Save who is told
        </LoadingButton>
      )}
    </Flex>
  );
}
