import {
  DescriptionList,
  DescriptionListItem,
  Flex,
  Heading,
  Link,
  LoadingButton,
  StatusTag,
  Text,
} from '@hubspot/ui-extensions';
import type { SettingsView } from './settings-view.generated.ts';
import type { Settings } from './use-settings.ts';

interface ConnectionSectionProps {
  readonly view: SettingsView;
  readonly settings: Settings;
}

/** Whether Wonward is let in, and how to let it in again. */
export function ConnectionSection({ view, settings }: ConnectionSectionProps) {
  const { connection, mayChange, reconnectUrl } = view;
  const isConnected = connection.state === 'connected';
  return (
    <Flex direction="column" gap="sm">
      <Flex direction="row" gap="sm" align="center" wrap="wrap">
        <Heading>Connection</Heading>
        <StatusTag variant={isConnected ? 'success' : 'danger'}>{isConnected ? 'Connected' : 'Disconnected'}</StatusTag>
      </Flex>
      <Text>{connection.words}</Text>
      <DescriptionList direction="row">
        <DescriptionListItem label="HubSpot account">
          <Text>{connection.portalId}</Text>
        </DescriptionListItem>
        <DescriptionListItem label="Currency of deals without one">
          <Text>{connection.currency ?? 'not read yet'}</Text>
        </DescriptionListItem>
        <DescriptionListItem label="Time zone">
          <Text>{connection.timeZone ?? 'not read yet'}</Text>
        </DescriptionListItem>
      </DescriptionList>
      {connection.consoleUrl !== undefined && (
        <Link href={{ url: connection.consoleUrl, external: true }}>Open the health of the connection in Wonward</Link>
      )}
      {mayChange && reconnectUrl === undefined && (
        <LoadingButton
          loading={settings.busy === 'reconnect'}
          disabled={settings.busy !== null}
          variant={isConnected ? 'secondary' : 'primary'}
          onClick={() => void settings.change('reconnect')}
        >
          {isConnected ? 'Grant the permissions anew' : 'Connect again'}
        </LoadingButton>
      )}
      {reconnectUrl !== undefined && (
        <Text>
          <Link href={{ url: reconnectUrl, external: true }}>Open HubSpot’s consent page</Link> as an admin. The link
          works once, for a quarter of an hour; afterwards come back and reload this page.
        </Text>
      )}
    </Flex>
  );
}
