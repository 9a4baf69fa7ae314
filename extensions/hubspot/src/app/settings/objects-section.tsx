import { Flex, Heading, LoadingButton, StatusTag, Text } from '@hubspot/ui-extensions';
import type { SettingsView } from './settings-view.generated.ts';
import type { Settings } from './use-settings.ts';

interface ObjectsSectionProps {
  readonly view: SettingsView;
  readonly settings: Settings;
}

const STATES = { on: 'On', off: 'Off', leaving: 'Being removed' } as const;

/** Rows for lists and reports of HubSpot's own, where the subscription has custom objects. */
export function ObjectsSection({ view, settings }: ObjectsSectionProps) {
  const { objects, settingsVersion, mayChange } = view;
  const { state, isGranted, words } = objects;
  const isOn = state === 'on';
  const isLost = isOn && !isGranted;
  return (
    <Flex direction="column" gap="sm">
      <Flex direction="row" gap="sm" align="center" wrap="wrap">
        <Heading>Referrals and rewards as objects</Heading>
        <StatusTag variant={isLost ? 'danger' : isOn ? 'success' : state === 'off' ? 'default' : 'warning'}>
          {STATES[state]}
        </StatusTag>
      </Flex>
      <Text>{words}</Text>
      {mayChange && (
        <LoadingButton
          variant="secondary"
          loading={settings.busy === 'objects'}
          disabled={settings.busy !== null || (!isOn && !isGranted)}
          onClick={() => void settings.change('objects', { version: settingsVersion, isOn: !isOn })}
        >
          {isOn ? 'Turn off and remove the rows' : 'Write referrals and rewards as rows'}
        </LoadingButton>
      )}
      <Text variant="microcopy">
        They name nobody: a row is tied to the contact and the deal that it is about. Properties and cards are the same
        with and without.
      </Text>
    </Flex>
  );
}
