// Copied by scripts/hubspot-project.ts from extensions/hubspot/src/app/cards/ask-row.tsx. Change that one, then run it again.

import {
  Accordion,
  Flex,
  Link,
  StatusTag,
  Table,
  TableBody,
  TableCell,
  TableHead,
  TableHeader,
  TableRow,
  Tag,
  Text,
} from '@hubspot/ui-extensions';
import type { AskInput, NextAsk } from './home-view.generated.ts';
import type { Format } from './format.generated.ts';

type Verdict = Readonly<
  Record<NextAsk['verdict'], { readonly text: string; readonly variant: 'success' | 'default' | 'danger' }>
>;

const VERDICTS: Verdict = {
  now: { text: 'Ask now', variant: 'success' },
  later: { text: 'Wait', variant: 'default' },
  no: { text: 'Do not ask', variant: 'danger' },
};

type Speaks = Readonly<
  Record<AskInput['speaks'], { readonly text: string; readonly variant: 'success' | 'warning' | 'error' | 'default' }>
>;

const SPEAKS: Speaks = {
  for: { text: 'For it', variant: 'success' },
  against: { text: 'Against it', variant: 'warning' },
  stops: { text: 'Stops it', variant: 'error' },
  neither: { text: 'Neither', variant: 'default' },
};

interface AskRowProps {
  readonly ask: NextAsk;
  readonly format: Format;
  /** Where it is not of the record that is open. */
  readonly isNamed?: boolean;
  /** In the sidebar there is no room for what it rests on; the tab has it. */
  readonly isShort?: boolean;
}

/** Whether somebody is to be asked for a referral, why, and everything that was looked at. */
export function AskRow({ ask, format, isNamed = false, isShort = false }: AskRowProps) {
  const { text, variant } = VERDICTS[ask.verdict];
  return (
    <Flex direction="column" gap="xs">
      <Flex direction="row" gap="sm" align="center" wrap="wrap">
        {isNamed &&
          (ask.url === undefined ? (
            <Text format={{ fontWeight: 'demibold' }}>{ask.name}</Text>
          ) : (
            <Link href={{ url: ask.url, external: false }}>{ask.name}</Link>
          ))}
        <StatusTag variant={variant}>{text}</StatusTag>
      </Flex>
      <Text>
        {ask.sentence}
        {ask.from === undefined ? '' : ` Look again from ${format.date(ask.from)} on.`}
      </Text>
      {!isShort && <Inputs ask={ask} format={format} />}
    </Flex>
  );
}

function Inputs({ ask, format }: { readonly ask: NextAsk; readonly format: Format }) {
  return (
    <Accordion title={titleOf(ask)} size="xs">
      <Table density="compact" flush={true}>
        <TableHead>
          <TableRow>
            <TableHeader>What was looked at</TableHeader>
            <TableHeader>Now</TableHeader>
            <TableHeader>Speaks</TableHeader>
          </TableRow>
        </TableHead>
        <TableBody>
          {ask.inputs.map(({ label, value, at, speaks }) => (
            <TableRow key={label}>
              <TableCell>{label}</TableCell>
              <TableCell>{at === undefined ? value : `${value} (${format.date(at)})`}</TableCell>
              <TableCell>
                <Tag variant={SPEAKS[speaks].variant}>{SPEAKS[speaks].text}</Tag>
              </TableCell>
            </TableRow>
          ))}
        </TableBody>
      </Table>
    </Accordion>
  );
}

/** Several of them stand on one page: each says whose it is. */
function titleOf({ name }: NextAsk): string {
  return `What this rests on: ${name}`;
}
