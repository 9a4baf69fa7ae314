import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Tag } from '../../parts/tag.tsx';
import type { Endpoint } from './webhook-form.tsx';
import { webhookText } from './webhook-texts.ts';

export function EndpointTag({ endpoint: { state, failingSince } }: { endpoint: Endpoint }) {
  const t = useText(webhookText);
  const { moment } = useFormat();
  if (state === 'off') return <Tag>{t('off')}</Tag>;
  if (state !== 'enabled') return <Tag tone="red">{t(state)}</Tag>;
  if (failingSince !== null) return <Tag tone="orange">{t('failsSince', { moment: moment(failingSince) })}</Tag>;
  return <Tag tone="green">{t('enabled')}</Tag>;
}

const TONES = { waiting: 'orange', delivered: 'green', failed: 'red' } as const;

export function DeliveryTag({ state }: { state: keyof typeof TONES }) {
  const t = useText(webhookText);
  return (
    <Tag tone={TONES[state]} isWhole>
      {t(state)}
    </Tag>
  );
}
