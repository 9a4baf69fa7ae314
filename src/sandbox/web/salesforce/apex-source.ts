/**
 * What the package's Apex says, read from its text: queries by the name of the list that they fill, and how a view is copied from a row. The
 * local pages answer with exactly these, so that they cannot show what the class would not. Apex itself cannot be run here.
 */

export interface ApexQuery {
  /** The object of the list. */
  readonly object: string;
  /** As it stands in the class, binds and all. */
  readonly soql: string;
}

/** `List<Referral__c> referrals = [ SELECT … ];` */
const LIST_QUERY = /List<(\w+)>\s+(\w+)\s*=\s*\[\s*(SELECT\b[\s\S]*?)\s*\];/g;
/** `public Member(Referral_Member__c row) { … }` */
const VIEW_CONSTRUCTOR = /public (\w+)\(\w+ row\)\s*\{([^}]*)\}/g;
/** `this.email = row.Contact__r?.Email;` */
const COPIED = /^this\.(\w+) = row\.([\w.?]+)$/;
const NUMBER_CONSTANT = /private static final Integer (\w+) = (\d+);/g;

/** @throws when two lists of one class have the same name. */
export function readQueries(source: string): ReadonlyMap<string, ApexQuery> {
  const queries = new Map<string, ApexQuery>();
  for (const [, object = '', name = '', soql = ''] of source.matchAll(LIST_QUERY)) {
    if (queries.has(name)) throw new Error(`two queries fill a list called ${name}`);
    queries.set(name, { object, soql: soql.replace(/\s+/g, ' ') });
  }
  return queries;
}

export const readNumbers = (source: string): ReadonlyMap<string, number> =>
  new Map([...source.matchAll(NUMBER_CONSTANT)].map(([, name = '', value]) => [name, Number(value)]));

/** Field paths by the name of the view's class and of its property. @throws when a constructor does more than copy. */
export function readViews(source: string): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> {
  const views = new Map<string, ReadonlyMap<string, readonly string[]>>();
  for (const [, name = '', body = ''] of source.matchAll(VIEW_CONSTRUCTOR)) {
    const statements = body
      .split(';')
      .map((text) => text.trim())
      .filter((text) => text !== '');
    const copies = statements.map((statement): [string, string[]] => {
      const [, property, path] = COPIED.exec(statement) ?? [];
      if (property === undefined || path === undefined) throw new Error(`${name} does more than copy: ${statement}`);
      return [property, path.replaceAll('?.', '.').split('.')];
    });
    views.set(name, new Map(copies));
  }
  return views;
}

type Bind = string | number | readonly string[];

/** The query as REST takes it: the session is the user's, and binds are written out. @throws for a bind that has no value. */
export function restSoql(soql: string, binds: Readonly<Record<string, Bind>>): string {
  const bound = (name: string): Bind => {
    const value = binds[name];
    if (value === undefined) throw new Error(`the query has a bind :${name} that nothing gives`);
    return value;
  };
  return (
    soql
      .replace(' WITH USER_MODE', '')
      // Apex finds nothing in an empty set; text has no way to write one.
      .replace(/([\w.]+) IN :(\w+)/g, (_, field: string, name: string) => {
        const value = bound(name);
        if (!Array.isArray(value)) throw new Error(`:${name} is asked for as a set`);
        return value.length === 0 ? 'Id = NULL' : `${field} IN (${value.map(quote).join(',')})`;
      })
      .replace(/:(\w+)/g, (_, name: string) => {
        const value = bound(name);
        return typeof value === 'number' ? String(value) : quote(String(value));
      })
  );
}

const quote = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

type Row = Readonly<Record<string, unknown>>;

/** A row of REST as the view's constructor would copy it. */
export function viewOf(copies: ReadonlyMap<string, readonly string[]>, row: Row): Record<string, unknown> {
  return Object.fromEntries(
    [...copies].map(([property, path]) => [
      property,
      path.reduce<unknown>((value, step) => (value as Row | null | undefined)?.[step] ?? null, row),
    ]),
  );
}
