import { SegmentedControl, Stack } from '@mantine/core';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Screen } from '../../parts/states.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { Attention } from './attention.tsx';
import { Figures } from './figures.tsx';
import { SetUp } from './set-up.tsx';
import { homeText } from './texts.ts';

const DAYS = [7, 30, 90] as const;
const USUAL_DAYS = 30;

/** Where a day begins: what waits, then how it goes. */
export default function Home() {
  const t = useText(homeText);
  const { may } = useAccount();
  const [url, setUrl] = useUrlState<'days'>();
  const days = DAYS.find((one) => String(one) === url.days) ?? USUAL_DAYS;
  const seesFigures = may('analytics.read');
  return (
    <Screen
      title={t('title')}
      actions={
        seesFigures && (
          <SegmentedControl
            aria-label={t('period')}
            value={String(days)}
            data={DAYS.map((one) => ({ value: String(one), label: t('days', { days: one }) }))}
            onChange={(value) => setUrl({ days: value })}
          />
        )
      }
    >
      <Stack gap="xl">
        {may('connections.write') && <SetUp />}
        <Attention />
        {seesFigures && <Figures days={days} />}
      </Stack>
    </Screen>
  );
}
