import type { ConnectionStore, TokenOwner } from '../../application/ports/store.ts';
import type { SealKey } from '../../platform/seal.ts';
import { type Examined, type Finding, notice, problem } from './finding.ts';

const PAGE = 500;

/** With which keys the stored tokens are sealed. */
export async function checkKeys(
  connections: Pick<ConnectionStore, 'listTokens'>,
  keys: readonly SealKey[],
): Promise<Examined> {
  const countByKey = new Map<string, number>();
  let total = 0;
  let after: TokenOwner | null = null;
  do {
    const page: Awaited<ReturnType<ConnectionStore['listTokens']>> = await connections.listTokens(after, PAGE);
    for (const { accessToken, refreshToken } of page) {
      total += 1;
      for (const id of new Set([keyIdOf(accessToken), keyIdOf(refreshToken)]))
        countByKey.set(id, (countByKey.get(id) ?? 0) + 1);
    }
    after = page.length < PAGE ? null : (page.at(-1) ?? null);
  } while (after !== null);

  const [current] = keys;
  const findings: Finding[] = [];
  for (const [id, count] of [...countByKey].sort()) {
    if (id === current?.id) continue;
    const connections_ = count === 1 ? 'The tokens of one connection are' : `The tokens of ${count} connections are`;
    findings.push(
      keys.some((key) => key.id === id)
        ? notice(
            `${connections_} still sealed with the former key "${id}".`,
            `They work as long as "${id}" stays in ENCRYPTION_KEY; without it these CRMs have to be connected anew.`,
            'Run: npm run cli -- key rotate. Then take the former key out.',
          )
        : problem(
            `${connections_} sealed with the key "${id}", which ENCRYPTION_KEY does not have.`,
            'They cannot be opened: nothing is read from these CRMs and nothing is written to them.',
            `Put the key "${id}" back behind the current one, or connect these CRMs anew.`,
          ),
    );
  }
  return { summary: `${total} connections' tokens, key "${current?.id ?? ''}" is current`, findings };
}

/** A sealed text is written format.key.payload (platform/seal.ts). */
function keyIdOf(sealed: string): string {
  return sealed.split('.')[1] ?? '';
}
