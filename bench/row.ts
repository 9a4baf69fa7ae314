/** What a figure has to reach. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One measured number. Rows make them with `figure`. */
export interface Figure {
  /** Begins with the row's name: "ingest", "latency to acknowledgement p99". Unique in a run. */
  readonly name: string;
  readonly value: number;
  /** "×", "ms", "MB", "calls", "/s". */
  readonly unit: string;
  /** Null for a figure that only explains another one. */
  readonly target: Target | null;
  /** Null when there is no target. */
  readonly ok: boolean | null;
}

export function figure(name: string, value: number, unit: string, target: Target | null = null): Figure {
  return { name, value, unit, target, ok: target === null ? null : meets(value, target) };
}

function meets(value: number, target: Target): boolean {
  return 'atLeast' in target ? value >= target.atLeast : value <= target.atMost;
}

/** One line of issue 3's table. A row lives in `rows/<name>.ts` as `export const row: Row`, and is found there. */
export interface Row {
  /** Kebab-case, as after `--only`, and as its file is called. */
  readonly name: string;
  /** One sentence: what is measured against what. */
  readonly what: string;
  /** As the table shows it, such as "≥ 0.8". */
  readonly target: string;
  /** True when the quick form takes a few seconds and can be part of the test run. */
  readonly isCheap: boolean;
  run(context: Context): Promise<readonly Figure[]>;
}

/** What a row gets. Whatever it starts or creates is handed to `onEnd`, which runs also when it fails. */
export interface Context {
  /** A smoke run: small sizes, one round, figures that mean nothing. */
  readonly isQuick: boolean;
  /** Other products are installed and run beside ours. */
  readonly withPeers: boolean;
  /** Only these of them, by name; all when empty. */
  readonly peerNames: readonly string[];
  /** 3, so that a median can be taken; 1 in a smoke run. What is compared is interleaved inside a round. */
  readonly rounds: number;
  /** Whichever fits the run: `pick(8_000, 300)`. */
  pick<T>(full: T, quick: T): T;
  /** An empty directory on a real disk, deleted after the row. */
  directory(): Promise<string>;
  /** Kept between runs and not in git: big stores, peers. */
  readonly cacheDirectory: string;
  /** One line of progress for who is waiting. Not part of the result. */
  say(text: string): void;
  /** A line under the row's figures: a peer that was left out, a circumstance. */
  note(text: string): void;
  /** Run in reverse order after the row. */
  onEnd(end: () => Promise<unknown> | unknown): void;
}
