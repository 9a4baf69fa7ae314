import {
  Alert,
  DescriptionList,
  DescriptionListItem,
  Divider,
  EmptyState,
  ErrorState,
  Flex,
  Heading,
  Link,
  LoadingButton,
  LoadingSpinner,
  StatusTag,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableHeader,
  TableRow,
  Tag,
  Text,
  Tile,
} from '@hubspot/ui-extensions';
import { PageTitle } from '@hubspot/ui-extensions/pages';
import { useMemo } from 'react';
import { AskRow } from './ask-row.generated.tsx';
import { createFormat, type Format } from './format.generated.ts';
import type { Attention, HomeError, HomeView, NextAsk, Person, Referral, Reward, Sync } from './home-view.generated.ts';
import { type Home, useHome } from './use-home.ts';
import { CONSOLE_WORDS, REWARDS, SEVERITY, STAGES, SYNC } from './words.ts';

interface HomePageProps {
  /** Public URL of the service, from the project's profile variable. */
  readonly api: string;
  readonly locale: string | undefined;
  readonly timeZone: string | undefined;
}

/** What needs attention comes first, then what has happened, then whether all is in step. */
export function HomePage({ api, locale, timeZone }: HomePageProps) {
  const home = useHome(api);
  const format = useMemo(() => createFormat({ locale, timeZone }), [locale, timeZone]);
  const { view, problem } = home;
  return (
    <Flex direction="column" gap="md">
      <PageTitle>Referrals</PageTitle>
      {view === null && problem === null && (
        <LoadingSpinner label="Loading your referral program…" showLabel={true} layout="centered" />
      )}
      {view === null && problem !== null && <Problem problem={problem} home={home} />}
      {view !== null && <Overview view={view} home={home} format={format} />}
    </Flex>
  );
}

function Overview({ view, home, format }: { readonly view: HomeView; readonly home: Home; readonly format: Format }) {
  return (
    <Flex direction="column" gap="md">
      <Freshness view={view} home={home} format={format} />
      <NeedsAttention view={view} format={format} />
      {view.asks !== undefined && (
        <>
          <Divider size="xs" />
          <WhomToAsk asks={view.asks} format={format} />
        </>
      )}
      {view.sync.state !== 'off' && (
        <>
          <Divider size="xs" />
          <Heading>Recent referrals</Heading>
          <Referrals referrals={view.referrals} format={format} />
          <Divider size="xs" />
          <Heading>Recent rewards</Heading>
          <Rewards rewards={view.rewards} format={format} />
        </>
      )}
      <Divider size="xs" />
      <Health sync={view.sync} format={format} />
      {view.healthUrl !== undefined && (
        <Link href={{ url: view.healthUrl, external: true }}>Open the health of the sync in Wonward</Link>
      )}
    </Flex>
  );
}

function WhomToAsk({ asks, format }: { readonly asks: readonly NextAsk[]; readonly format: Format }) {
  return (
    <Flex direction="column" gap="sm">
      <Heading>Whom you could ask for a referral now</Heading>
      {asks.length === 0 && (
        <Text>
          None of your contacts today. Who has just bought, brought a customer or was paid a reward is proposed here,
          and nobody twice in a quarter.
        </Text>
      )}
      {asks.map((ask) => (
        <Tile key={ask.contactId} compact={true}>
          <AskRow ask={ask} format={format} isNamed={true} />
        </Tile>
      ))}
      {asks.length > 0 && (
        <Text variant="microcopy">
          Open the contact to ask: its card makes the share link and has the question ready.
        </Text>
      )}
    </Flex>
  );
}

function NeedsAttention({ view, format }: { readonly view: HomeView; readonly format: Format }) {
  return (
    <Flex direction="column" gap="sm">
      <Heading>Needs attention</Heading>
      {view.attention.length === 0 && <Text>Nothing waits for you. Rewards go out by themselves.</Text>}
      {view.attention.map((item) => (
        <AttentionRow key={item.key} item={item} format={format} />
      ))}
      {view.hasMore && <Text variant="microcopy">There are more open cases in Wonward.</Text>}
    </Flex>
  );
}

function AttentionRow({ item, format }: { readonly item: Attention; readonly format: Format }) {
  const { text, variant } = SEVERITY[item.severity];
  return (
    <Tile compact={true}>
      <Flex direction="column" gap="xs">
        <Flex direction="row" gap="sm" align="center" wrap="wrap">
          <Tag variant={variant}>{text}</Tag>
          <Text format={{ fontWeight: 'demibold' }}>{item.title}</Text>
          {item.value !== null && <Text>{format.money(item.value)}</Text>}
        </Flex>
        <Text>{item.why}</Text>
        <Text>
          <Text inline={true} format={{ fontWeight: 'demibold' }}>
            What to do:{' '}
          </Text>
          {item.next}
        </Text>
        <Flex direction="row" gap="md" wrap="wrap">
          {item.isOverdue && <Text variant="microcopy">Its time is over.</Text>}
          {item.dueAt !== null && <Text variant="microcopy">Due {format.dateTime(item.dueAt)}</Text>}
          {item.url !== undefined && <Link href={{ url: item.url, external: false }}>Open the record</Link>}
          {item.consoleUrl !== undefined && (
            <Link href={{ url: item.consoleUrl, external: true }}>{CONSOLE_WORDS[item.kind]}</Link>
          )}
        </Flex>
      </Flex>
    </Tile>
  );
}

function Referrals({ referrals, format }: { readonly referrals: readonly Referral[]; readonly format: Format }) {
  if (referrals.length === 0) {
    return (
      <Text>
        None yet. Label one contact as “Referred by” another, or let a friend use a member’s code, and it appears here.
      </Text>
    );
  }
  return (
    <Table bordered={true}>
      <TableHead>
        <TableRow>
          <TableHeader>Friend</TableHeader>
          <TableHeader>Referred by</TableHeader>
          <TableHeader>Stage</TableHeader>
          <TableHeader>Why</TableHeader>
          <TableHeader>Since</TableHeader>
        </TableRow>
      </TableHead>
      <TableBody>
        {referrals.map(({ referralId, friend, member, stage, stageReason, since }) => (
          <TableRow key={referralId}>
            <TableCell>
              <Named of={friend} />
            </TableCell>
            <TableCell>
              <Named of={member} />
            </TableCell>
            <TableCell>
              <StatusTag variant={STAGES[stage].variant}>{STAGES[stage].text}</StatusTag>
            </TableCell>
            <TableCell>{stageReason}</TableCell>
            <TableCell>{format.date(since)}</TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}

function Rewards({ rewards, format }: { readonly rewards: readonly Reward[]; readonly format: Format }) {
  if (rewards.length === 0) return <Text>None yet. The first one is here when a referred deal is won.</Text>;
  return (
    <Table bordered={true}>
      <TableHead>
        <TableRow>
          <TableHeader>For</TableHeader>
          <TableHeader>Amount</TableHeader>
          <TableHeader>State</TableHeader>
          <TableHeader>Why</TableHeader>
          <TableHeader>Deal</TableHeader>
          <TableHeader>Changed</TableHeader>
        </TableRow>
      </TableHead>
      <TableBody>
        {rewards.map(({ rewardId, beneficiary, money, state, reason, deal, at }) => (
          <TableRow key={rewardId}>
            <TableCell>{beneficiary}</TableCell>
            <TableCell>{format.money(money)}</TableCell>
            <TableCell>
              <Tag variant={REWARDS[state].variant}>{REWARDS[state].text}</Tag>
            </TableCell>
            <TableCell>{reason}</TableCell>
            <TableCell>
              <Named of={deal} />
            </TableCell>
            <TableCell>{format.date(at)}</TableCell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  );
}

function Named({ of: { name, url } }: { readonly of: Person }) {
  return url === undefined ? <Text>{name}</Text> : <Link href={{ url, external: false }}>{name}</Link>;
}

function Health({ sync, format }: { readonly sync: Sync; readonly format: Format }) {
  const { text, variant } = SYNC[sync.state];
  const at = (time: string | null) => (time === null ? 'not yet' : format.dateTime(time));
  return (
    <Flex direction="column" gap="sm">
      <Flex direction="row" gap="sm" align="center" wrap="wrap">
        <Heading>Health of the sync</Heading>
        <StatusTag variant={variant}>{text}</StatusTag>
      </Flex>
      <Text>{sync.words}</Text>
      {sync.state !== 'off' && (
        <DescriptionList direction="row">
          <DescriptionListItem label="Last change heard of">
            <Text>{at(sync.lastReceivedAt)}</Text>
          </DescriptionListItem>
          <DescriptionListItem label="Compared with HubSpot up to">
            <Text>{at(sync.comparedTo)}</Text>
          </DescriptionListItem>
          <DescriptionListItem label="From change to decision">
            <Text>{within(sync.toDecisionMs)}</Text>
          </DescriptionListItem>
          <DescriptionListItem label="Until HubSpot shows it">
            <Text>{within(sync.toMirrorMs)}</Text>
          </DescriptionListItem>
          <DescriptionListItem label="Under way">
            <Text>{sync.waiting}</Text>
          </DescriptionListItem>
          <DescriptionListItem label="Stuck">
            <Text>{sync.stuck}</Text>
          </DescriptionListItem>
        </DescriptionList>
      )}
    </Flex>
  );
}

/** Upper bounds of 95 in a hundred: whole seconds and minutes are as exact as they are. */
function within(ms: number | null): string {
  if (ms === null) return 'not measured yet';
  if (ms < 60_000) return `within ${Math.max(1, Math.round(ms / 1_000))} s`;
  return `within ${Math.round(ms / 60_000)} min`;
}

function Freshness({ view, home, format }: { readonly view: HomeView; readonly home: Home; readonly format: Format }) {
  const { problem, isReading, refresh } = home;
  return (
    <Flex direction="column" gap="xs">
      {problem !== null && (
        <Alert title="What you see may be out of date" variant="warning">
          {problem.message} Reference: {problem.ref ?? problem.code}
        </Alert>
      )}
      <Flex direction="row" gap="sm" justify="between" align="center" wrap="wrap">
        <Text variant="microcopy">As of {format.dateTime(view.generatedAt)}</Text>
        <LoadingButton size="xs" loading={isReading} onClick={refresh}>
          Refresh
        </LoadingButton>
      </Flex>
    </Flex>
  );
}

function Problem({ problem, home }: { readonly problem: HomeError; readonly home: Home }) {
  const retry = (
    <LoadingButton loading={home.isReading} onClick={home.refresh}>
      {problem.code === 'not_connected' ? 'Check again' : 'Try again'}
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
    <ErrorState title="Your referral program could not be loaded" type="error">
      <Text>{problem.message}</Text>
      {reference}
      {retry}
    </ErrorState>
  );
}
