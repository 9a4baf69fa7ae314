import { parser } from '@prometheus-io/lezer-promql';

export interface Selector {
  readonly metric: string;
  readonly matchers: ReadonlyArray<{
    readonly label: string;
    readonly op: '=' | '!=' | '=~' | '!~';
    readonly value: string;
  }>;
}

export interface Expression {
  readonly selectors: readonly Selector[];
  /** Labels named behind `by` and `without`. */
  readonly grouping: readonly string[];
}

/** Grafana's own variables, put in place of what Grafana would: the parser knows PromQL alone. */
function withoutVariables(text: string): string {
  return text.replaceAll('$__rate_interval', '5m').replaceAll('"$instance"', '".*"');
}

/** @throws Error when it is not PromQL. */
export function readExpression(text: string): Expression {
  const source = withoutVariables(text);
  const selectors: { metric: string; matchers: Selector['matchers'][number][] }[] = [];
  const grouping: string[] = [];
  let inGrouping = false;
  let label = '';
  let op = '';
  parser.parse(source).iterate({
    enter({ name, type, from, to }) {
      const word = source.slice(from, to);
      if (type.isError) throw new Error(`not PromQL at ${from}: ${source}`);
      if (name === 'GroupingLabels') inGrouping = true;
      if (name === 'VectorSelector') selectors.push({ metric: '', matchers: [] });
      const selector = selectors.at(-1);
      if (name === 'Identifier' && selector) selector.metric = word;
      if (name === 'LabelName' && inGrouping) grouping.push(word);
      else if (name === 'LabelName') label = word;
      if (name === 'MatchOp') op = word;
      if (name === 'StringLiteral' && selector && op !== '') {
        selector.matchers.push({ label, op: op as '=', value: JSON.parse(word) });
        op = '';
      }
    },
    leave({ name }) {
      if (name === 'GroupingLabels') inGrouping = false;
    },
  });
  return { selectors, grouping };
}
