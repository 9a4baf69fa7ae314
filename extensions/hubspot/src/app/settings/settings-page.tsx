import {
  Alert,
  Divider,
  EmptyState,
  ErrorState,
  type ExtensionPointApiActions,
  Flex,
  Heading,
  hubspot,
  List,
  LoadingButton,
  LoadingSpinner,
  type SettingsContext,
  Text,
} from '@hubspot/ui-extensions';
import { ConnectionSection } from './connection-section.tsx';
import { MappingSection } from './mapping-section.tsx';
import { NoticesSection } from './notices-section.tsx';
import { ObjectsSection } from './objects-section.tsx';
import { ProgramsSection } from './programs-section.tsx';
import type { SettingsError, SettingsView } from './settings-view.generated.ts';
import { type Settings, useSettings } from './use-settings.ts';

interface SettingsPageProps {
  readonly context: SettingsContext;
  readonly actions: ExtensionPointApiActions<'settings'>;
}

/** Everybody sees what is set; who may change it the service decides, by whom HubSpot has signed. */
export function SettingsPage({ context }: SettingsPageProps) {
  const api = context.variables?.API;
  if (typeof api !== 'string' || api === '') {
    return (
      <Alert title="This page does not know where Wonward is" variant="error">
        The app was uploaded without the profile variable API. Upload it again with a profile.
      </Alert>
    );
  }
  return <ConnectedSettings api={api.replace(/\/$/, '')} />;
}

function ConnectedSettings({ api }: { readonly api: string }) {
  const settings = useSettings(api);
  const { view, problem } = settings;
  if (view === null && problem === null) {
    return <LoadingSpinner label="Loading settings…" showLabel={true} layout="centered" />;
  }
  if (view === null && problem !== null) return <Problem problem={problem} settings={settings} />;
  return view === null ? null : <Sections view={view} settings={settings} />;
}

function Sections({ view, settings }: { readonly view: SettingsView; readonly settings: Settings }) {
  const { problem, busy, read } = settings;
  return (
    <Flex direction="column" gap="md">
      {problem !== null && (
        <Alert title={problem.code === 'changed' ? 'Not saved' : 'That did not work'} variant="error">
          {problem.message} Reference: {problem.ref ?? problem.code}
        </Alert>
      )}
      {!view.mayChange && (
        <Alert title="You may look, and change nothing" variant="info">
          {view.whoMay}
        </Alert>
      )}
      <ConnectionSection view={view} settings={settings} />
      <Divider size="xs" />
      {/* These begin anew when what holds is another: what was saved in one keeps what is being chosen in the other. */}
      <ProgramsSection
        key={`programs ${view.everyProgram} ${JSON.stringify(view.programs)}`}
        view={view}
        settings={settings}
      />
      <Divider size="xs" />
      {/* Of another version it begins anew: what was chosen on top of the old one may not be meant any more. */}
      <MappingSection key={view.mapping.version} view={view} settings={settings} />
      <Divider size="xs" />
      <NoticesSection key={`notices ${JSON.stringify(view.notices)}`} view={view} settings={settings} />
      <Divider size="xs" />
      <ObjectsSection view={view} settings={settings} />
      <Divider size="xs" />
      {view.actors !== undefined && <Actors actors={view.actors} />}
      <Divider size="xs" />
      <Placing />
      <LoadingButton size="xs" loading={busy === 'read'} onClick={read}>
        Reload
      </LoadingButton>
    </Flex>
  );
}

function Actors({ actors }: { readonly actors: readonly string[] | null }) {
  return (
    <Flex direction="column" gap="sm">
      <Heading>Who may act on the cards</Heading>
      {actors === null && <Text>Everybody who sees them.</Text>}
      {actors?.length === 0 && <Text>Nobody: everybody who sees a card may look at it.</Text>}
      {actors !== null && actors.length > 0 && <Text>{actors.map(wordsOf).join(', ')}. Everybody else may look.</Text>}
      <Text variant="microcopy">The list is kept in Wonward, at the connection.</Text>
    </Flex>
  );
}

/** By address, or by HubSpot's number of the user. */
function wordsOf(actor: string): string {
  return actor.includes('@') ? actor : `user ${actor}`;
}

/** HubSpot places no card by itself: the complaint that admins have most. */
function Placing() {
  return (
    <Flex direction="column" gap="sm">
      <Heading>Where to see referrals</Heading>
      <List variant="ordered-styled">
        <Text>
          Open a contact, choose Customize record, and add the card “Referrals” of Wonward to a tab; on deals “Deal
          referral”, on companies “Company referrals”.
        </Text>
        <Text>
          For the sidebar there is a short one of each: “Referrals at a glance”, “Deal referral at a glance”, “Company
          referrals at a glance”.
        </Text>
        <Text>Do the same in each other view that your teams use. HubSpot never does it by itself.</Text>
      </List>
    </Flex>
  );
}

function Problem({ problem, settings }: { readonly problem: SettingsError; readonly settings: Settings }) {
  const retry = (
    <LoadingButton loading={settings.busy === 'read'} onClick={settings.read}>
      Try again
    </LoadingButton>
  );
  const reference = <Text variant="microcopy">Reference: {problem.ref ?? problem.code}</Text>;
  if (problem.code === 'not_connected') {
    return (
      <EmptyState title="Connect Wonward to this HubSpot account" imageName="integrations" layout="vertical">
        <Text>{problem.message}</Text>
        {reference}
        {retry}
      </EmptyState>
    );
  }
  return (
    <ErrorState title="The settings could not be loaded" type="error">
      <Text>{problem.message}</Text>
      {reference}
      {retry}
    </ErrorState>
  );
}

// At the end: it renders at once, and what is declared below it would not be there yet.
hubspot.extend<'settings'>(({ context, actions }) => <SettingsPage context={context} actions={actions} />);
