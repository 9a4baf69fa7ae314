import { Checkbox } from '@mantine/core';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { type Column, PagedTable } from '../../parts/paged-table.tsx';
import { NothingFound } from './filters.tsx';
import { shownColumns } from './list-tools.tsx';
import { Line, Sentence, StateMark, To } from './marks.tsx';
import { nameOf } from './people.ts';
import { workText } from './texts.ts';
import { fieldWords, type Party, type Person, type Reward, type State } from './words.ts';

export const USUAL_OF_REWARDS = ['paidTo', 'friend', 'state', 'reason', 'created'];

export interface RewardRow extends Reward {
  readonly beneficiary: Person | undefined;
  readonly friend: Person | undefined;
}

/** A person can approve or reject it. */
export function awaitsPerson({ state, review }: Pick<Reward, 'state' | 'review'>): boolean {
  return state === 'in_review' || (state === 'held' && review === 'needed');
}

export function useRewardColumns(): readonly Column<RewardRow>[] {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { money, day } = useFormat();
  return [
    {
      key: 'amount',
      title: t('amount'),
      cell: (one) => (
        <To path={`rewards/${one.id}`}>
          <Line>{money(one.money)}</Line>
        </To>
      ),
    },
    {
      key: 'paidTo',
      title: t('paidTo'),
      cell: ({ beneficiary, beneficiaryId, party }) => {
        const name = nameOf(beneficiary, t('nameless'));
        const named = beneficiaryId.startsWith('mem_') ? <To path={`members/${beneficiaryId}`}>{name}</To> : name;
        return (
          <>
            {named} · {word(`party_${party}`)}
          </>
        );
      },
    },
    {
      key: 'friend',
      title: t('referral'),
      cell: ({ friend, referralId }) => <To path={`referrals/${referralId}`}>{nameOf(friend, t('nameless'))}</To>,
    },
    { key: 'state', title: t('state'), cell: ({ state }) => <StateMark state={state} /> },
    { key: 'reason', title: t('reason'), cell: ({ reason }) => <Sentence>{reason.text}</Sentence> },
    { key: 'rule', title: t('rule'), cell: ({ ruleKey }) => ruleKey },
    { key: 'payout', title: t('payout'), cell: ({ payout }) => payout },
    { key: 'hold', title: t('hold'), cell: ({ releaseAt }) => (releaseAt === null ? '' : day(releaseAt)) },
    { key: 'created', title: t('created'), cell: ({ createdAt }) => <Line>{day(createdAt)}</Line> },
    { key: 'changed', title: t('changed'), cell: ({ updatedAt }) => <Line>{day(updatedAt)}</Line> },
  ];
}

export interface RewardFilters {
  readonly state?: State;
  readonly party?: Party;
  readonly memberId?: string;
  readonly referralId?: string;
  readonly currency?: string;
}

export function RewardTable({
  filters,
  columns,
  without = [],
  marking,
  onClear,
}: {
  filters: RewardFilters;
  columns?: string | undefined;
  without?: readonly string[];
  /** Absent: nothing can be marked. */
  marking?: {
    readonly marked: ReadonlyMap<string, RewardRow>;
    readonly onMark: (rows: readonly RewardRow[], isMarked: boolean) => void;
  };
  onClear?: () => void;
}) {
  const t = useText(workText);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const all = useRewardColumns();
  const shown = shownColumns(all, USUAL_OF_REWARDS, columns).filter(({ key }) => !without.includes(key));
  const boxes: Column<RewardRow> | undefined = marking && {
    key: 'mark',
    title: t('marked', { count: 2 }),
    head: (items) => {
      const open = items.filter(awaitsPerson);
      const count = open.filter(({ id }) => marking.marked.has(id)).length;
      return (
        <Checkbox
          aria-label={t('markPage')}
          disabled={open.length === 0}
          checked={count > 0 && count === open.length}
          indeterminate={count > 0 && count < open.length}
          onChange={(event) => marking.onMark(open, event.currentTarget.checked)}
        />
      );
    },
    cell: (one) =>
      awaitsPerson(one) && (
        <Checkbox
          aria-label={t('mark', { name: `${money(one.money)} ${nameOf(one.beneficiary, '')}`.trim() })}
          checked={marking.marked.has(one.id)}
          onChange={(event) => marking.onMark([one], event.currentTarget.checked)}
        />
      ),
  };
  return (
    <PagedTable
      label={t('rewards')}
      queryKey={[account.id, 'rewards', filters]}
      load={async (cursor) => {
        const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
        const { data } = await api.GET('/rewards', { params: { query } });
        const people = new Map(data?.people.map((one) => [one.id, one]));
        return {
          items: (data?.items ?? []).map(
            (one): RewardRow => ({
              ...(one as Reward),
              beneficiary: people.get(one.beneficiaryId),
              friend: people.get(one.referralId),
            }),
          ),
          nextCursor: data?.nextCursor ?? null,
        };
      }}
      columns={boxes ? [boxes, ...shown] : shown}
      empty={
        <NothingFound
          isFiltered={onClear !== undefined && Object.keys(filters).length > 0}
          title={t('noRewards')}
          what={t('noRewardsWhat')}
          onClear={() => onClear?.()}
        />
      }
    />
  );
}
