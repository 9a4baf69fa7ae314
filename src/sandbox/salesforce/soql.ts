import {
  type Condition,
  parseQuery,
  type Query,
  type FieldType as SelectField,
  type WhereClause,
} from '@jetstreamapp/soql-parser-js';
import { ApiError } from './errors.ts';

/** SOQL as text, and its WHERE clause as a tree. The parser is not ours; what it takes and Salesforce refuses is refused here. */

/** "SOQL statements cannot exceed 100,000 characters." */
const QUERY_LENGTH_MAX = 100_000;

export type { Query, SelectField };

export type Where =
  | { kind: 'and' | 'or'; parts: Where[] }
  | { kind: 'not'; part: Where }
  | { kind: 'condition'; condition: PlainCondition };

export interface PlainCondition {
  /** `Account.Name` as it stands, without an alias. */
  field: string;
  operator: string;
  literalType: string | string[] | undefined;
  value: string | string[] | undefined;
  subquery: Query | undefined;
  /** The variable of LAST_N_DAYS:3. */
  dateVariable: number | undefined;
}

export const malformed = (message: string): ApiError => new ApiError(400, 'MALFORMED_QUERY', message);

type Token = '(' | ')' | 'AND' | 'OR' | 'NOT' | PlainCondition;

/** The parser gives a list in which conditions carry their parentheses. */
function tokens(clause: WhereClause | undefined): Token[] {
  const list: Token[] = [];
  for (let rest: WhereClause | undefined = clause; rest; ) {
    const left = rest.left as (Condition & { openParen?: number; closeParen?: number }) | null;
    if (left && 'field' in left) {
      for (let count = 0; count < (left.openParen ?? 0); count += 1) list.push('(');
      list.push(plain(left));
      for (let count = 0; count < (left.closeParen ?? 0); count += 1) list.push(')');
    } else if (left && 'openParen' in left) {
      for (let count = 0; count < (left.openParen ?? 0); count += 1) list.push('(');
    } else if (left) {
      throw malformed('functions in WHERE are not known to the local org');
    }
    const operator = 'operator' in rest ? rest.operator : undefined;
    if (operator) list.push(operator as Token);
    rest = 'right' in rest ? rest.right : undefined;
  }
  return list;
}

function plain(condition: Condition): PlainCondition {
  const loose = condition as unknown as Record<string, unknown>;
  return {
    field: String(loose.field),
    operator: String(loose.operator).toUpperCase(),
    literalType: loose.literalType as PlainCondition['literalType'],
    value: loose.value as PlainCondition['value'],
    subquery: loose.valueQuery as Query | undefined,
    dateVariable: loose.dateLiteralVariable as number | undefined,
  };
}

function tree(list: Token[]): Where {
  let position = 0;
  const take = (): Token | undefined => {
    const token = list[position];
    position += 1;
    return token;
  };
  const unexpected = (token: Token | undefined): ApiError =>
    malformed(`unexpected token: ${typeof token === 'object' ? token.field : (token ?? '<EOF>')}`);

  function one(): Where {
    const token = take();
    if (token === 'NOT') return { kind: 'not', part: one() };
    if (token === '(') {
      const inside = many();
      const end = take();
      if (end !== ')') throw unexpected(end);
      return inside;
    }
    if (typeof token === 'object') return { kind: 'condition', condition: token };
    throw unexpected(token);
  }

  function many(): Where {
    const parts = [one()];
    let joined: 'AND' | 'OR' | undefined;
    while (list[position] === 'AND' || list[position] === 'OR') {
      const operator = take() as 'AND' | 'OR';
      // AND and OR side by side need parentheses; SOQL has no order between them.
      if (joined !== undefined && operator !== joined) throw unexpected(operator);
      joined = operator;
      parts.push(one());
    }
    if (joined === undefined) return parts[0] as Where;
    return { kind: joined === 'AND' ? 'and' : 'or', parts };
  }

  const found = many();
  if (position < list.length) throw unexpected(list[position]);
  return found;
}

export function whereOf(query: Query): Where | undefined {
  return query.where ? tree(tokens(query.where)) : undefined;
}

/** @throws {ApiError} MALFORMED_QUERY */
export function parseSoql(text: string): Query {
  if (text.length > QUERY_LENGTH_MAX) throw malformed('SOQL statements cannot be longer than 100000 characters.');
  let query: Query;
  try {
    query = parseQuery(text);
  } catch (thrown) {
    throw malformed(thrown instanceof Error ? thrown.message : 'unexpected token');
  }
  if (!query.sObject) throw malformed('unexpected token: FROM');
  const loose = query as unknown as Record<string, unknown>;
  // Apex has these; "unexpected token" is what REST says.
  if (loose.withSecurityEnforced || loose.withAccessLevel) throw malformed('unexpected token: WITH');
  for (const unknown of ['withDataCategory', 'usingScope', 'update', 'having', 'for']) {
    if (loose[unknown] !== undefined) throw malformed(`the local org does not know ${unknown}`);
  }
  return query;
}

/** `'it\'s'` without its quotes. */
export function unquote(literal: string): string {
  if (!/^'.*'$/s.test(literal)) return literal;
  return literal.slice(1, -1).replace(/\\(.)/g, (_all, escaped: string) => {
    const known: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
    return known[escaped] ?? escaped;
  });
}
