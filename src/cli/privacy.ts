import { randomUUID } from 'node:crypto';
import { dealsNamedBy, readDealNames } from '../application/deal-names.ts';
import { createPrivacy, type ExportResult, KEPT, type KeptKind, type Who } from '../application/privacy.ts';
import { isoOf } from '../domain/time.ts';
import { personView } from '../http/api/people.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { createMarker } from '../platform/mark.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Ways to name a person; one of them has to be given. */
export interface WhoOptions {
  readonly email?: string;
  readonly member?: string;
  readonly referral?: string;
  readonly contact?: string;
  readonly connection?: string;
}

/** Everything that is kept about a person, as one JSON document. */
export function exportPerson(terminal: Terminal, account: string, options: WhoOptions): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id: accountId } = await accountOf(services, account);
    const { who } = await whoOf(services, accountId, options);
    const found = await privacyOf(services).export(accountId, who);
    if (found.kind === 'not_held') throw notHeld(found);
    const { held, at } = found;
    const deals = [...held.decisions, ...held.rewards].map(({ deal }) => deal);
    const named = [...held.asFriend, ...held.asMember].flatMap(dealsNamedBy);
    const names = await readDealNames(services.store.reads, accountId, [...deals, ...named]);
    const json = { exportedAt: isoOf(at), ...personView(held, services.config.publicUrl, names) };
    return { json, lines: JSON.stringify(json, null, 2).split('\n') };
  });
}

/** Without the confirmation, or with another word than the one that names the person, nothing is done and it is said what would be. */
export function erasePerson(
  terminal: Terminal,
  account: string,
  { confirm, by, ...options }: WhoOptions & { readonly confirm?: string; readonly by: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id: accountId } = await accountOf(services, account);
    const { who, word } = await whoOf(services, accountId, options);
    const privacy = privacyOf(services);
    if (confirm !== word) {
      const found = await privacy.export(accountId, who);
      if (found.kind === 'not_held' && who.by !== 'contact' && who.by !== 'email') throw notHeld(found);
      throw new CliError(
        confirm === undefined ? 'Nothing was erased yet.' : 'Nothing was erased: the confirmation names somebody else.',
        `It cannot be undone. To do it, type the same once more: --confirm ${word}`,
        {
          exitCode: EXIT.usage,
          problems: found.kind === 'held' ? heldText(found) : ['nothing is kept about them here'],
        },
      );
    }
    const { kind, erasure, kept, running, searched } = await privacy.erase(accountId, who, { source: 'cli', by });
    const counts = Object.entries(erasure?.counts ?? {}).flatMap(([what, rows]) => (rows > 0 ? `${rows} ${what}` : []));
    return {
      json: { outcome: kind, erasure, kept, running, searched },
      lines: [
        {
          erased: `Erased (${erasure?.id}): ${counts.join(', ') || 'nothing but the id of the contact was known'}.`,
          already_erased: `Was erased before (${erasure?.id}).`,
          not_held: 'Nothing is kept about such a person; nothing was done.',
        }[kind],
        ...(Object.keys(KEPT) as KeptKind[]).flatMap((what) =>
          kept[what] > 0 ? `Stays under an id: ${kept[what]} ${what}. ${KEPT[what]}` : [],
        ),
        ...(running.rewards + running.orders + running.cases > 0
          ? [`Goes on: ${running.rewards} rewards, ${running.orders} orders, ${running.cases} cases.`]
          : []),
        ...searched.flatMap(({ connectionId, problem }) =>
          problem === null
            ? []
            : `${connectionId} could not be searched for the address: ${problem} Do it again later.`,
        ),
      ],
      exitCode: searched.some(({ problem }) => problem !== null) ? EXIT.failed : EXIT.ok,
    };
  });
}

function heldText({ held }: Extract<ExportResult, { kind: 'held' }>): string[] {
  return [
    `${held.contacts.length} contacts, ${held.members.length} members, ${held.asFriend.length} referrals that brought them`,
    `${held.asMember.length} referrals that they made, ${held.rewards.length} rewards, ${held.cases.length} cases`,
  ];
}

function notHeld({ erasure }: Extract<ExportResult, { kind: 'not_held' }>): CliError {
  return new CliError(
    'Nothing is kept about such a person.',
    erasure ? `They were erased on ${isoOf(erasure.at)} (${erasure.id}).` : 'Name them in another way.',
  );
}

async function whoOf(
  { store }: Services,
  accountId: string,
  { email, member, referral, contact, connection }: WhoOptions,
): Promise<{ who: Who; word: string }> {
  const given = [email, member, referral, contact].filter((one) => one !== undefined);
  const [word] = given;
  if (word === undefined || given.length > 1)
    throw new CliError(
      'Name one person.',
      'Give one of --email, --member, --referral, or --connection with --contact.',
      {
        exitCode: EXIT.usage,
      },
    );
  if (email !== undefined) return { who: { by: 'email', email }, word };
  if (member !== undefined) {
    if (await store.reads.member(accountId, member)) return { who: { by: 'member', id: member }, word };
    throw new CliError(`There is no member "${member}".`, 'Name one by its id, such as mem_….');
  }
  if (referral !== undefined) {
    if (await store.reads.referral(accountId, referral)) return { who: { by: 'referral', id: referral }, word };
    throw new CliError(`There is no referral "${referral}".`, 'Name one by its id, such as ref_….');
  }
  if (connection === undefined || !(await store.connections.get(accountId, connection)))
    throw new CliError(
      `There is no connection "${connection ?? ''}".`,
      `Give --connection with --contact; npm run cli -- two-crms list ${accountId} tells the ids.`,
      { exitCode: EXIT.usage },
    );
  return { who: { by: 'contact', contact: { connectionId: connection, object: 'contact', id: word } }, word };
}

function privacyOf({ store, config, connect }: Services) {
  return createPrivacy({
    store,
    clock: systemClock,
    log: createLog({ level: 'silent' }),
    marker: createMarker(config.encryptionKeys),
    newId: randomUUID,
    openSession: connect.openSession,
  });
}
