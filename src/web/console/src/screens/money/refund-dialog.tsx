import { Alert, Anchor, Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { isAmount, isCurrency } from '../../parts/money-text.ts';
import { Loaded, ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { ReferralName } from './referral-name.tsx';
import { type Currency, type DealRef, dealIdIn, OWN_SOURCE, type Refund } from './refund-parts.ts';
import { refundText } from './refund-texts.ts';

/** A deal is looked at within seconds; until then what is shown may change. */
const REFETCH_MS = 2_000;

/** Of one deal; more than these nobody reads here, and the timeline has them all. */
const DECISIONS_MAX = 100;

/** The reasons of what a refund took back, and of what was given again when it came to nothing. */
const ABOUT_REFUNDS = /^refund|^amount_restored$/;

/** Enters a refund, then shows what it takes back; or shows it of one that is there. */
export function RefundDialog({
  shown,
  deals,
  onClose,
}: {
  shown: Refund | 'new' | null;
  /** Where it is entered for one referral: the deals that it can be of. */
  deals: readonly DealRef[] | null;
  onClose: () => void;
}) {
  const t = useText(refundText);
  const { money } = useFormat();
  const [entered, setEntered] = useState<Refund | null>(null);
  const refund = shown === 'new' ? entered : shown;
  function close() {
    onClose();
    setEntered(null);
  }
  const title =
    refund === null
      ? t('enter')
      : refund.deal === null
        ? t('takesBack')
        : t('title', { amount: money(refund), id: refund.deal.id });
  return (
    // A press beside it does not throw away what is being written.
    <Dialog opened={shown !== null} onClose={close} title={title} size="lg" closeOnClickOutside={shown !== 'new'}>
      {shown !== null &&
        (refund === null ? (
          <Enter deals={deals} onEntered={setEntered} onClose={close} />
        ) : (
          <TakesBack refund={refund} onClose={close} />
        ))}
    </Dialog>
  );
}

const today = () => new Date().toISOString().slice(0, 10);

function Enter({
  deals,
  onEntered,
  onClose,
}: {
  deals: readonly DealRef[] | null;
  onEntered: (refund: Refund) => void;
  onClose: () => void;
}) {
  const t = useText(refundText);
  const c = useText(common);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const [form, setForm] = useState({
    deal: deals?.length === 1 ? '0' : '',
    connection: '',
    amount: '',
    currency: 'EUR',
    number: '',
    day: today(),
  });
  const [wrong, setWrong] = useState<Partial<typeof form>>({});
  const connections = useQuery({
    queryKey: [account.id, 'connections'],
    enabled: deals === null && may('connections.read'),
    queryFn: async () => (await api.GET('/connections')).data?.items ?? [],
  });
  const several = connections.data?.filter(({ status }) => status === 'connected') ?? [];
  const chosen = deals?.[Number(form.deal || '-1')];
  const dealId = deals === null ? dealIdIn(form.deal) : (chosen?.id ?? null);
  const connectionId = deals === null ? form.connection || null : (chosen?.connectionId ?? null);
  const tell = useMutation({
    mutationFn: async () => {
      const { amount, currency } = form;
      const id = form.number.trim();
      // Of today: now, so that it is not before what was won this morning.
      const at = form.day === today() ? new Date().toISOString() : `${form.day}T12:00:00.000Z`;
      const body = { id, dealId: dealId ?? '', connectionId, money: { amount, currency: currency as Currency }, at };
      const { data } = await api.POST('/refunds', { body });
      const deal = data?.deal ?? null;
      return { source: OWN_SOURCE, id, deal, amount, currency, at, isUndone: false, receivedAt: at } satisfies Refund;
    },
    onSuccess: (refund) => {
      onEntered(refund);
      void client.invalidateQueries({ queryKey: [account.id, 'refunds'] });
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const problems = {
      ...(dealId === null ? { deal: deals === null ? t('neededDeal') : t('neededChoice') } : {}),
      ...(isAmount(form.amount) ? {} : { amount: t('wrongAmount') }),
      ...(isCurrency(form.currency) ? {} : { currency: t('wrongCurrency') }),
      ...(/^[A-Za-z0-9_.:-]{1,100}$/.test(form.number.trim()) ? {} : { number: t('wrongNumber') }),
      ...(form.day !== '' && form.day <= today() ? {} : { day: t('neededDay') }),
    };
    setWrong(problems);
    if (Object.keys(problems).length === 0 && !tell.isPending) tell.mutate();
  }
  const field = (name: keyof typeof form) => ({
    value: form[name],
    error: wrong[name],
    onChange: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('enterWhat')}</Text>
        {deals === null ? (
          <TextInput label={t('deal')} description={t('dealWhat')} required data-autofocus {...field('deal')} />
        ) : (
          <NativeSelect
            label={t('deal')}
            required
            data={[
              ...(deals.length === 1 ? [] : [{ value: '', label: t('choose') }]),
              ...deals.map(({ id }, index) => ({ value: String(index), label: t('dealId', { id }) })),
            ]}
            {...field('deal')}
          />
        )}
        {several.length > 1 && (
          <NativeSelect
            label={t('connection')}
            data={[
              { value: '', label: t('connectionAny') },
              ...several.map(({ id, provider, externalId }) => ({ value: id, label: `${provider} ${externalId}` })),
            ]}
            {...field('connection')}
          />
        )}
        <Group grow align="flex-start">
          <TextInput label={t('amount')} inputMode="decimal" required {...field('amount')} />
          <TextInput label={t('currency')} maxLength={3} required {...field('currency')} />
        </Group>
        <Group grow align="flex-start">
          <TextInput label={t('day')} type="date" required max={today()} {...field('day')} />
          <TextInput label={t('number')} required maxLength={100} {...field('number')} />
        </Group>
        <Text size="xs" c="dimmed">
          {t('number')}: {t('numberWhat')}
        </Text>
        {tell.isError && <ProblemNote thrown={tell.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {c('cancel')}
          </Button>
          <Button type="submit" loading={tell.isPending}>
            {t('enter')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The decisions that its deal's refunds have led to, in the service's own sentences, and where all the rest stands. */
function TakesBack({ refund: { deal }, onClose }: { refund: Refund; onClose: () => void }) {
  const t = useText(refundText);
  const c = useText(common);
  const { may } = useAccount();
  return (
    <Stack>
      {deal === null ? (
        <Alert color="orange" role="status">
          {t('noDealKnown')}
        </Alert>
      ) : may('referrals.read') ? (
        <OfDeal deal={deal} />
      ) : (
        <Text size="sm">{t('mayNotSee')}</Text>
      )}
      {/* On the other side than what was pressed before: a double press does not close what it has led to. */}
      <Group justify="flex-start">
        <Button variant="default" onClick={onClose}>
          {c('close')}
        </Button>
      </Group>
    </Stack>
  );
}

function OfDeal({ deal }: { deal: DealRef }) {
  const t = useText(refundText);
  const { api, account } = useAccount();
  const { moment } = useFormat();
  const query = useQuery({
    queryKey: [account.id, 'refund-decisions', deal.connectionId, deal.id],
    refetchInterval: REFETCH_MS,
    queryFn: async () => {
      const params = { query: { dealId: deal.id, limit: DECISIONS_MAX } };
      const items = (await api.GET('/decisions', { params })).data?.items ?? [];
      return items.filter((one) => one.deal.connectionId === deal.connectionId);
    },
  });
  return (
    <Loaded query={query}>
      {(decisions) => {
        const referrals = [...new Set(decisions.map(({ referralId }) => referralId))];
        const told = decisions.flatMap(({ reason, calculation, ...decision }) => {
          const left = calculation.find(({ step }) => step === 'refunded');
          if (ABOUT_REFUNDS.test(reason.code)) return [{ ...decision, what: reason.text, how: left?.text }];
          // What is given still keeps its own reason; how much it came down to, its calculation says.
          return left === undefined ? [] : [{ ...decision, what: left.text, how: undefined }];
        });
        return (
          <>
            {told.length === 0 && (
              <Text size="sm" role="status">
                {t('nothing')}
              </Text>
            )}
            <Stack gap="sm" role="status">
              {told.map(({ id, what, how, recordedAt, ruleKey, rewardId }) => (
                <div key={id}>
                  <Text size="sm" fw={600}>
                    {what}
                  </Text>
                  {how !== undefined && <Text size="sm">{how}</Text>}
                  <Text size="xs" c="dimmed">
                    {moment(recordedAt)} · {ruleKey}
                    {rewardId !== null && (
                      <>
                        {' · '}
                        <Anchor
                          component={Link}
                          to={`/${account.id}/rewards/${rewardId}` as string}
                          size="xs"
                          underline="always"
                        >
                          {t('toReward')}
                        </Anchor>
                      </>
                    )}
                  </Text>
                </div>
              ))}
            </Stack>
            {referrals.length > 0 && (
              <Text size="sm" component="div">
                {t('timelineOf')}{' '}
                {referrals.map((referralId, index) => (
                  <span key={referralId}>
                    {index > 0 && ', '}
                    <ReferralName referralId={referralId} isInText />
                  </span>
                ))}
              </Text>
            )}
          </>
        );
      }}
    </Loaded>
  );
}
