import { useUrlState } from '../../parts/url-state.ts';
import { type Period, PRESETS, type Preset, periodOf } from './period.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;

const PRESET_FIRST: Preset = 'last30';

/** What is asked for, as it stands in the address. Two days say more than a preset. */
export function useAsked() {
  const [url, setUrl] = useUrlState<'period' | 'from' | 'to' | 'program' | 'view' | 'order'>();
  const { from = '', to = '' } = url;
  const own: Period | null = DAY.test(from) && DAY.test(to) ? { from, to } : null;
  const preset = PRESETS.find((one) => one === url.period) ?? PRESET_FIRST;
  const period = own ?? periodOf(preset);
  const query = { ...period, ...(url.program ? { programId: url.program } : {}) };
  return { url, setUrl, preset: own ? null : preset, period, query, isSound: period.from <= period.to };
}
