import { Group, TextInput } from '@mantine/core';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { usePublishedPrograms } from '../../parts/programs.ts';
import { Screen } from '../../parts/states.tsx';
import { Choice, OfMember, SearchBox } from './filters.tsx';
import { ColumnChoice, Views } from './list-tools.tsx';
import { ReferralTable, USUAL_OF_REFERRALS, useReferralColumns } from './referral-table.tsx';
import { useListSearch } from './search.ts';
import { workText } from './texts.ts';
import { fieldWords, STAGES } from './words.ts';

const KEYS = ['friend', 'stage', 'programId', 'since', 'memberId', 'columns'] as const;

export default function Referrals() {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { api } = useAccount();
  const programs = usePublishedPrograms().data ?? [];
  const { values, text, set, show } = useListSearch(KEYS);
  const { columns: shown, ...chosen } = values;
  const { since, stage, ...rest } = chosen;
  const filters = {
    ...rest,
    ...(STAGES.some((one) => one === stage) ? { stage: stage as (typeof STAGES)[number] } : {}),
    ...(since === undefined ? {} : { since: `${since}T00:00:00Z` }),
  };
  const columns = useReferralColumns();
  return (
    <Screen
      title={t('referrals')}
      description={t('referralsWhat')}
      actions={
        <>
          <Views list="referrals" text={text} onShow={show} />
          <ColumnChoice
            all={columns}
            usual={USUAL_OF_REFERRALS}
            value={shown}
            onChange={(next) => set({ columns: next }, { replace: true })}
          />
          <ExportButton
            fileName={dated('referrals')}
            load={async (cursor) => {
              const query = { ...filters, limit: 100, ...(cursor === undefined ? {} : { cursor }) };
              return (await api.GET('/referrals/csv', { params: { query } })).data;
            }}
          />
        </>
      }
    >
      <Group align="flex-end">
        <SearchBox label={t('searchFriends')} value={values.friend} onChange={(friend) => set({ friend })} />
        <Choice
          label={t('stage')}
          any={t('anyStage')}
          options={STAGES.map((one) => ({ value: one, label: word(`stage_${one}`) }))}
          value={stage}
          onChange={(next) => set({ stage: next })}
        />
        {programs.length > 0 && (
          <Choice
            label={t('program')}
            any={t('anyProgram')}
            options={programs}
            value={values.programId}
            onChange={(programId) => set({ programId })}
          />
        )}
        <TextInput
          type="date"
          label={t('submittedSince')}
          value={since ?? ''}
          onChange={(event) => set({ since: event.currentTarget.value || undefined })}
        />
        {values.memberId !== undefined && (
          <OfMember memberId={values.memberId} onRemove={() => set({ memberId: undefined })} />
        )}
      </Group>
      <ReferralTable
        filters={filters}
        columns={shown}
        onClear={() =>
          set({
            friend: undefined,
            stage: undefined,
            programId: undefined,
            since: undefined,
            memberId: undefined,
          })
        }
      />
    </Screen>
  );
}
