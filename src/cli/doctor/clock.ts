import { causeOf, type Examined, type Finding, notice, problem, spoken } from './finding.ts';

/** Sweeps take two clocks to agree within this (`READ_MARGIN_MS` in application/reconcile.ts); signatures allow five minutes. */
export const CLOCK_WRONG_MS = 60_000;
/** A clock that is kept by NTP is not wrong by more than this. */
const CLOCK_DRIFTS_MS = 5_000;
/** An HTTP date has whole seconds; the middle of the second is the best guess. */
const HTTP_DATE_ERROR_MS = 500;
const ANSWER_WITHIN_MS = 10_000;

export interface OtherClock {
  /** "HubSpot's", "the database's". */
  readonly whose: string;
  /** Its time, and by how much that may be off; null when it does not say. */
  read(): Promise<{ readonly at: number; readonly errorMs: number } | null>;
}

/** The clock of whoever answers at this address: every HTTP answer has a Date, also one that refuses. */
export function httpClock(whose: string, url: string): OtherClock {
  return {
    whose,
    async read() {
      const response = await fetch(url, {
        method: 'HEAD',
        redirect: 'manual',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const at = Date.parse(response.headers.get('date') ?? '');
      return Number.isNaN(at) ? null : { at: at + HTTP_DATE_ERROR_MS, errorMs: HTTP_DATE_ERROR_MS };
    },
  };
}

export async function checkClock(others: readonly OtherClock[], now: () => number): Promise<Examined> {
  const findings: Finding[] = [];
  const seen: string[] = [];
  for (const { whose, read } of others) {
    const askedAt = now();
    try {
      const answer = await read();
      const answeredAt = now();
      if (!answer) {
        seen.push(`${whose} clock is not told`);
        continue;
      }
      const offsetMs = (askedAt + answeredAt) / 2 - answer.at;
      const wrongByMs = Math.abs(offsetMs) - answer.errorMs - (answeredAt - askedAt) / 2;
      seen.push(`${Math.max(0, wrongByMs / 1_000).toFixed(1)} s from ${whose}`);
      if (wrongByMs < CLOCK_DRIFTS_MS) continue;
      const what = `This machine's clock is ${spoken(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead of' : 'behind'} ${whose}.`;
      const remedy = 'Let NTP set the clock (timedatectl set-ntp true, or that of the host of the container).';
      findings.push(
        wrongByMs >= CLOCK_WRONG_MS
          ? problem(
              what,
              'Webhook signatures more than five minutes away are refused, tokens are renewed too late, sweeps can pass over changes, and two nodes can take the same work.',
              remedy,
            )
          : notice(what, 'It still works, but a clock that drifts goes on drifting.', remedy),
      );
    } catch (thrown) {
      findings.push(
        problem(
          `${whose[0]?.toUpperCase()}${whose.slice(1)} clock could not be asked: ${causeOf(thrown)}.`,
          'What does not answer this machine does not answer the service either.',
          'Check the name service, the firewall and the proxy between this machine and the other side.',
        ),
      );
    }
  }
  return { summary: seen.join(', ') || 'no other clock answered', findings };
}
