import { Alert, Checkbox, Flex, Heading, Link, LoadingButton, Select, Tag, Text } from '@hubspot/ui-extensions';
import { useState } from 'react';
import type { SettingsView } from './settings-view.generated.ts';
import type { Settings } from './use-settings.ts';

interface ProgramsSectionProps {
  readonly view: SettingsView;
  readonly settings: Settings;
}

const EVERY = 'every';
const SOME = 'some';

/** Which programs apply in this portal. */
export function ProgramsSection({ view, settings }: ProgramsSectionProps) {
  const { programs, everyProgram, settingsVersion, mayChange } = view;
  const [isEvery, setEvery] = useState(everyProgram);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    () => new Set(programs.filter(({ isChosen }) => isChosen).map(({ id }) => id)),
  );
  const isChanged =
    isEvery !== everyProgram || (!isEvery && programs.some(({ id, isChosen }) => chosen.has(id) !== isChosen));
  const toggle = (id: string, isOn: boolean) =>
    setChosen((before) => new Set(isOn ? [...before, id] : [...before].filter((one) => one !== id)));
  const save = () =>
    void settings.change('programs', { version: settingsVersion, programs: isEvery ? null : [...chosen].sort() });

  return (
    <Flex direction="column" gap="sm">
      <Heading>Programs</Heading>
      {programs.length === 0 && (
        <Text>None is published yet. Publish one in Wonward: it says who gets what when a deal is won.</Text>
      )}
      {programs.length > 0 && (
        <Select
          name="programs"
          label="Which programs apply in this portal"
          readOnly={!mayChange}
          value={isEvery ? EVERY : SOME}
          options={[
            { value: EVERY, label: 'Every program, also later ones' },
            { value: SOME, label: 'Only these' },
          ]}
          onChange={(value) => setEvery(String(value) === EVERY)}
        />
      )}
      {programs.map(({ id, name, version, isOpen, consoleUrl }) => (
        <Flex key={id} direction="row" gap="sm" align="center" wrap="wrap">
          {isEvery ? (
            <Text>
              {name}, version {version}
            </Text>
          ) : (
            <Checkbox name={id} checked={chosen.has(id)} readOnly={!mayChange} onChange={(isOn) => toggle(id, isOn)}>
              {name}, version {version}
            </Checkbox>
          )}
          {isOpen && !isChanged && <Tag variant="success">New referrals go here</Tag>}
          {consoleUrl !== undefined && (
            <Link href={{ url: consoleUrl, external: true }}>Open the program {name} in Wonward</Link>
          )}
        </Flex>
      ))}
      {isChanged && !isEvery && chosen.size === 0 && (
        <Alert title="No referral can begin here" variant="warning">
          Without a program nobody new is referred in this portal, until you choose one.
        </Alert>
      )}
      {isChanged && (
        <Text>
          This counts for referrals that begin from now on. Those that are there go on by what was chosen when they
          began: nothing is taken back, and nothing is granted for the past.
        </Text>
      )}
      {mayChange && programs.length > 0 && (
        <LoadingButton
          variant="primary"
          loading={settings.busy === 'programs'}
          disabled={!isChanged || settings.busy !== null}
          onClick={save}
        >
          Save which programs apply
        </LoadingButton>
      )}
      <Text variant="microcopy">Rules, amounts and dates are written and published in Wonward.</Text>
    </Flex>
  );
}
