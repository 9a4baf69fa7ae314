/** Where a command reads and writes, so that a test can stand in for the terminal. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** "-" is what is piped in. */
  readonly readText: (path: string) => Promise<string>;
  /** Who sits there, as the operating system calls them; absent where it does not know. */
  readonly user?: string | undefined;
}

/** Done; failed; asked or configured wrongly. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** What a person did that cannot be done, and what to do instead. */
export class CliError extends Error {
  readonly remedy: string;
  readonly exitCode: number;
  readonly problems: readonly string[];

  constructor(message: string, remedy: string, options: { exitCode?: number; problems?: readonly string[] } = {}) {
    super(message);
    this.name = 'CliError';
    this.remedy = remedy;
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.problems = options.problems ?? [];
  }
}

/** A result as a program wants it and as a person reads it. */
export interface Result {
  readonly json: unknown;
  readonly lines: readonly string[];
  /** Of a command that worked and found something wrong; 0 without it. */
  readonly exitCode?: number;
}

/** Columns as wide as what stands in them. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
