import { styleText } from 'node:util';
import type { Audience } from './run-story.ts';

const WIDTH_MAX = 110;
const WIDTH_MIN = 60;
const WITNESS_WIDTH = 'Salesforce'.length;

type Style = Parameters<typeof styleText>[0];

export interface ScreenOutput {
  readonly write: (text: string) => void;
  /** True for a terminal that may be given colours. */
  readonly colours: boolean;
  readonly columns: number | undefined;
  /** Whether what was written can be written over. */
  readonly moving?: boolean;
}

const BAR_WIDTH = 30;
const TENTHS = 10;

/** Lines for people: a step, then what was read back, each under its witness. */
export function createScreen({ write, colours, columns, moving = false }: ScreenOutput) {
  const paint = (style: Style, text: string) => (colours ? styleText(style, text, { validateStream: false }) : text);
  const width = Math.max(WIDTH_MIN, Math.min(columns ?? WIDTH_MAX, WIDTH_MAX));
  const line = (text = '') => write(`${text}\n`);
  let indent = '';

  /** A hanging paragraph: what stands before it is as wide as the indent of its further lines. */
  function hanging(before: string, beforeWidth: number, text: string): void {
    const [first = '', ...more] = wrap(text, width - beforeWidth);
    line(`${before}${first}`);
    for (const rest of more) line(`${' '.repeat(beforeWidth)}${rest}`);
  }

  const audience: Audience = {
    onBegin(name, index, count) {
      const number = String(index + 1).padStart(String(count).length);
      const label = `[${number}/${count}] `;
      indent = ' '.repeat(label.length);
      line(`${paint('dim', label)}${paint('bold', name)}`);
    },
    onEnd({ findings, problems }) {
      for (const found of findings) {
        if (found.problems.length > 0) continue;
        const before = `${indent}${paint('green', '✓')} ${paint('cyan', found.where.padEnd(WITNESS_WIDTH))}  `;
        hanging(before, indent.length + WITNESS_WIDTH + 4, found.line);
      }
      for (const problem of problems) hanging(`${indent}${paint('red', '✗')} `, indent.length + 2, problem);
      line();
    },
  };

  return {
    audience,
    line,
    heading: (text: string) => line(paint('bold', text)),
    good: (text: string) => line(paint('green', text)),
    bad: (text: string) => line(paint('red', text)),
    /** A bar that fills; where nobody sees it move, a line for each tenth. */
    progress: progressOf({ write, isMoving: moving }),
    /** Names and what they stand for, in two columns. */
    table(rows: readonly (readonly [name: string, value: string])[]): void {
      const names = Math.max(...rows.map(([name]) => name.length));
      for (const [name, value] of rows) line(`  ${paint('dim', name.padEnd(names))}  ${value}`);
    },
  };
}

export type Screen = ReturnType<typeof createScreen>;

function progressOf({ write, isMoving }: { write: (text: string) => void; isMoving: boolean }) {
  let told = -1;
  return (what: string, done: number, all: number): void => {
    const share = all === 0 ? 1 : done / all;
    const step = Math.floor(share * (isMoving ? 100 : TENTHS));
    if (step === told) return;
    told = step;
    const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
    if (!isMoving) {
      write(`  ${what} ${percent}\n`);
      return;
    }
    const full = Math.round(share * BAR_WIDTH);
    const end = share === 1 ? '\n' : '';
    write(`\r  ${what} ${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${percent}${end}`);
  };
}

/** Lines of whole words, no longer than `width` where the words allow it. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
