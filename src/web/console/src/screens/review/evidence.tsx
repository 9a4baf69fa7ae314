import { Button, Group, Stack, Text, Timeline } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tag } from '../../parts/tag.tsx';
import { Wide } from '../../parts/wide.tsx';
import { useWords } from './desk-words.ts';
import { Part } from './part.tsx';
import { useMember } from './people.tsx';
import { reviewText } from './texts.ts';

type Whole = operations['getReferralAttribution']['responses'][200]['content']['application/json'];
type Give = ((to: { id: string; name: string }) => void) | null;

/** What links the friend with whom, in the order of time, and everybody whose the referral could be. */
export function Evidence({
  referralId,
  namedId,
  onGive,
}: {
  referralId: string;
  /** Whom the dispute names. */
  namedId: string | null;
  onGive: Give;
}) {
  const t = useText(reviewText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'attribution', referralId],
    queryFn: async () =>
      (await api.GET('/referrals/{referralId}/attribution', { params: { path: { referralId } } })).data,
  });
  return (
    <Loaded query={query}>
      {(whole) =>
        whole && (
          <>
            <Part title={t('candidates')} what={t('candidatesWhat')}>
              <Candidates whole={whole} namedId={namedId} onGive={onGive} />
            </Part>
            <Part title={t('evidence')} what={t('evidenceWhat')}>
              <Touches whole={whole} />
            </Part>
          </>
        )
      }
    </Loaded>
  );
}

function Candidates({ whole, namedId, onGive }: { whole: Whole; namedId: string | null; onGive: Give }) {
  const t = useText(reviewText);
  const judged = whole.items.at(-1)?.candidates ?? [];
  const known = new Set(judged.map(({ memberId }) => memberId));
  const others = [whole.memberId, ...whole.touches.map(({ memberId }) => memberId), ...(namedId ? [namedId] : [])];
  const rows = [
    ...judged,
    ...[...new Set(others)]
      .filter((id) => !known.has(id))
      .map((memberId) => ({ memberId, source: null, at: null, verdict: null })),
  ];
  return (
    <Wide label={t('candidates')} role="group">
      <Table miw={460} aria-label={t('candidates')} fz="sm" verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('member')}</Table.Th>
            <Table.Th>{t('source')}</Table.Th>
            <Table.Th>{t('at')}</Table.Th>
            <Table.Th>{t('verdict')}</Table.Th>
            <Table.Td />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Candidate
              key={`${row.memberId} ${row.source} ${row.at}`}
              {...row}
              isOwner={row.memberId === whole.memberId}
              isNamed={row.memberId === namedId}
              onGive={onGive}
            />
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}

function Candidate({
  memberId,
  source,
  at,
  verdict,
  isOwner,
  isNamed,
  onGive,
}: {
  memberId: string;
  source: string | null;
  at: string | null;
  verdict: NonNullable<Whole['items'][number]['candidates'][number]['verdict']> | null;
  isOwner: boolean;
  isNamed: boolean;
  onGive: Give;
}) {
  const t = useText(reviewText);
  const { word } = useWords();
  const { moment } = useFormat();
  const name = useNameOf(memberId);
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap={6}>
          {name}
          {isOwner && <Tag tone="brand">{t('isTheirs')}</Tag>}
          {isNamed && <Tag tone="brand">{t('named')}</Tag>}
        </Group>
      </Table.Td>
      <Table.Td>{source === null ? '–' : word(source)}</Table.Td>
      <Table.Td>{at === null ? '–' : moment(at)}</Table.Td>
      <Table.Td>{verdict === null ? '–' : t(`verdict_${verdict}`)}</Table.Td>
      <Table.Td ta="right">
        {!isOwner && onGive && (
          <Button size="xs" variant="light" onClick={() => onGive({ id: memberId, name })}>
            {t('giveTo', { name })}
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function useNameOf(memberId: string): string {
  const { data } = useMember(memberId);
  return data?.name ?? data?.email ?? memberId;
}

function Touches({ whole }: { whole: Whole }) {
  const t = useText(reviewText);
  const rows = [
    ...whole.touches.map((touch) => ({ ...touch, of: 'touch' as const })),
    ...whole.items.map((item) => ({ ...item, at: item.recordedAt, of: item.kind })),
  ].sort((a, b) => a.at.localeCompare(b.at));
  if (rows.length === 0) return <Text size="sm">{t('noEvidence')}</Text>;
  return (
    <Timeline active={rows.length - 1} bulletSize={12} lineWidth={2}>
      {rows.map((row) =>
        row.of === 'touch' ? (
          <Step key={row.id} memberId={row.memberId} kind={row.kind} at={row.at}>
            {row.evidence}
            {row.origin?.ipPrefix ? ` · ${row.origin.ipPrefix}` : ''}
            {row.origin?.device ? ` · ${row.origin.device}` : ''}
          </Step>
        ) : (
          <Step key={row.id} memberId={row.memberId} kind={row.of} at={row.at}>
            {row.reason.text}
          </Step>
        ),
      )}
    </Timeline>
  );
}

function Step({ memberId, kind, at, children }: { memberId: string; kind: string; at: string; children: ReactNode }) {
  const t = useText(reviewText);
  const { word } = useWords();
  const { moment } = useFormat();
  const name = useNameOf(memberId);
  const title = kind === 'attributed' || kind === 'moved' ? t(kind, { name }) : `${word(kind)}: ${name}`;
  return (
    <Timeline.Item
      title={
        <Text size="sm" fw={600}>
          {title}
        </Text>
      }
    >
      <Stack gap={0}>
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {children}
        </Text>
        <Text size="xs" c="dimmed">
          {moment(at)}
        </Text>
      </Stack>
    </Timeline.Item>
  );
}
