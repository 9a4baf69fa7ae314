import { sql } from 'kysely';
import type { ConsentStore } from '../application/ports/store.ts';
import type { Language } from '../domain/brand.ts';
import {
  CONSENT_PURPOSES,
  type ConsentPlace,
  type ConsentPurpose,
  type ConsentText,
  type ShownConsent,
} from '../domain/consent.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row, Session } from './schema.ts';

export function createConsentStore(engine: Engine): ConsentStore {
  return {
    texts: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'consent_texts'>>`select * from consent_texts
          where account_id = ${accountId} order by purpose, version desc`.execute(db);
        return rows.map(textOf);
      }),

    inForce: (accountId) =>
      engine.snapshot(async (session) => {
        const found: ConsentText[] = [];
        for (const purpose of CONSENT_PURPOSES) {
          const newest = await newestOf(session, accountId, purpose);
          if (newest) found.push(newest);
        }
        return found;
      }),

    text: (accountId, purpose, version) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'consent_texts'>>`select * from consent_texts
          where account_id = ${accountId} and purpose = ${purpose} and version = ${version}`.execute(db);
        return rows[0] ? textOf(rows[0]) : null;
      }),

    save: (accountId, { purpose, texts, savedBy, savedAt }, basis) =>
      engine.write(async (session) => {
        // Two people who save at once come one after the other, and the second one is told.
        await lockAccount(session, accountId);
        const newest = await newestOf(session, accountId, purpose);
        if (newest && toJson(newest.texts) === toJson(texts)) return newest;
        const version = newest?.version ?? 0;
        if (version !== basis) return null;
        const row: Row<'consent_texts'> = {
          account_id: accountId,
          purpose,
          version: version + 1,
          texts: toText(toJson(texts)),
          saved_by: toText(savedBy),
          saved_at: savedAt,
        };
        await insertRows(session, 'consent_texts', [row]);
        return textOf(row);
      }),

    shown: (accountId, subjects) => engine.read((session) => shownTo(session, accountId, subjects)),
  };
}

export async function shownTo(
  { db, dialect }: Session,
  accountId: string,
  subjects: readonly string[],
): Promise<ShownConsent[]> {
  const { rows } = await sql<Row<'consents_shown'>>`select * from consents_shown where account_id = ${accountId}
    and ${dialect.isIn('subject', subjects)} order by subject, at, purpose, version`.execute(db);
  return rows.map((row) => ({
    subject: row.subject,
    purpose: row.purpose as ConsentPurpose,
    version: row.version,
    language: row.language as Language,
    place: row.place as ConsentPlace,
    at: row.at,
  }));
}

/** Inside the transaction that enters the person, so that there is never one without the other. */
export async function keepConsents(session: Session, accountId: string, shown: readonly ShownConsent[]): Promise<void> {
  if (shown.length === 0) return;
  const rows = shown.map((one) => ({ account_id: accountId, ...one }));
  await insertRows(session, 'consents_shown', rows, 'on conflict do nothing');
}

async function newestOf({ db }: Session, accountId: string, purpose: ConsentPurpose): Promise<ConsentText | null> {
  const { rows } = await sql<Row<'consent_texts'>>`select * from consent_texts
    where account_id = ${accountId} and purpose = ${purpose} order by version desc limit 1`.execute(db);
  return rows[0] ? textOf(rows[0]) : null;
}

function textOf(row: Row<'consent_texts'>): ConsentText {
  return {
    purpose: row.purpose as ConsentPurpose,
    version: row.version,
    texts: fromJson(row.texts),
    savedBy: row.saved_by,
    savedAt: row.saved_at,
  };
}
