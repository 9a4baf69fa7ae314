import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { type Column, PagedTable } from '../../parts/paged-table.tsx';
import { useProgramName } from '../../parts/programs.ts';
import { NothingFound } from './filters.tsx';
import { shownColumns } from './list-tools.tsx';
import { Line, Sentence, StageMark, To } from './marks.tsx';
import { nameOf } from './people.ts';
import { workText } from './texts.ts';
import { fieldWords, type Person, type Referral, type Stage } from './words.ts';

export const USUAL_OF_REFERRALS = ['member', 'stage', 'reason', 'submitted'];

type Row = Referral & { readonly member: Person | undefined };

export function useReferralColumns(): readonly Column<Row>[] {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { day } = useFormat();
  const programName = useProgramName();
  return [
    {
      key: 'friend',
      title: t('friend'),
      cell: ({ id, friend }) => <To path={`referrals/${id}`}>{nameOf(friend, t('nameless'))}</To>,
    },
    {
      key: 'member',
      title: t('referredBy'),
      cell: ({ memberId, member }) => <To path={`members/${memberId}`}>{nameOf(member, t('nameless'))}</To>,
    },
    { key: 'stage', title: t('stage'), cell: ({ stage }) => <StageMark stage={stage} /> },
    { key: 'reason', title: t('reason'), cell: ({ reason }) => <Sentence>{reason.text}</Sentence> },
    { key: 'email', title: t('email'), cell: ({ friend }) => friend.email ?? '' },
    {
      key: 'program',
      title: t('program'),
      cell: ({ programId }) => programName(programId),
    },
    { key: 'source', title: t('source'), cell: ({ source }) => word(`source_${source}`) },
    { key: 'stageSince', title: t('stageSince'), cell: ({ stageSince }) => <Line>{day(stageSince)}</Line> },
    { key: 'submitted', title: t('submitted'), cell: ({ submittedAt }) => <Line>{day(submittedAt)}</Line> },
  ];
}

export function ReferralTable({
  filters,
  columns,
  without = [],
  onClear,
}: {
  filters: {
    readonly friend?: string;
    readonly stage?: Stage;
    readonly programId?: string;
    readonly since?: string;
    readonly memberId?: string;
  };
  columns?: string | undefined;
  without?: readonly string[];
  /** Absent: the filters are the place's own. */
  onClear?: () => void;
}) {
  const t = useText(workText);
  const { api, account } = useAccount();
  const all = useReferralColumns();
  return (
    <PagedTable
      label={t('referrals')}
      queryKey={[account.id, 'referrals', filters]}
      load={async (cursor) => {
        const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
        const { data } = await api.GET('/referrals', { params: { query } });
        const people = new Map(data?.people.map((one) => [one.id, one]));
        return {
          items: (data?.items ?? []).map((one): Row => ({ ...one, member: people.get(one.memberId) })),
          nextCursor: data?.nextCursor ?? null,
        };
      }}
      columns={shownColumns(all, USUAL_OF_REFERRALS, columns).filter(({ key }) => !without.includes(key))}
      empty={
        <NothingFound
          isFiltered={onClear !== undefined && Object.keys(filters).length > 0}
          title={t('noReferrals')}
          what={t('noReferralsWhat')}
          onClear={() => onClear?.()}
        />
      }
    />
  );
}
