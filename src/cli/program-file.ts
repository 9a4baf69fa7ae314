import { parseProgram } from '../application/program-document.ts';
import { isoOf } from '../domain/time.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** Publishable as it stands; the comments are allowed in the file. */
export const PROGRAM_EXAMPLE = `{
  // Part of the key that keeps a reward from being paid twice: never change it later.
  "programId": "default",
  "name": "Customer referrals",
  "rules": [
    {
      // Stable too. A rule with another key is another rule, and pays on its own.
      "key": "member-won",
      // Who is paid: "member" (who referred) or "friend" (who was referred).
      "party": "member",
      // 5 % of the deal, in the deal's currency: hundredths of a percent.
      "amount": { "kind": "percent", "basisPoints": 500 },
      // Every condition has to be met. What is not is told in the card, with what would make it pay.
      "conditions": [
        { "fact": "deal.amount", "op": "at_least", "money": { "amount": "1000.00", "currency": "EUR" } }
      ],
      // Paid this many days after the win, if the deal is still won then. 0 pays at once.
      "holdDays": 14,
      // "credit" books it as account credit; "webhook" orders it from REWARD_WEBHOOK_URL.
      "payout": "credit"
    },
    {
      "key": "friend-welcome",
      "party": "friend",
      "amount": { "kind": "fixed", "money": { "amount": "50.00", "currency": "EUR" } },
      "conditions": [],
      "holdDays": 0,
      "payout": "credit"
    }
  ]
}
`;

export function programExample(): Result {
  return { json: JSON.parse(withoutComments(PROGRAM_EXAMPLE)), lines: [PROGRAM_EXAMPLE.trimEnd()] };
}

export function publishProgram(terminal: Terminal, account: string, file: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const parsed = parseProgram(await readDocument(terminal, file));
    if (!parsed.ok) {
      throw new CliError(
        `${file} cannot be published.`,
        'Correct these fields ("program example" shows a whole one):',
        {
          problems: parsed.problems,
        },
      );
    }
    const unpayable = parsed.program.rules.filter(({ payout }) => payout === 'webhook');
    if (unpayable.length > 0 && services.config.rewardWebhook === null) {
      throw new CliError(
        `${unpayable.map(({ key }) => key).join(', ')} cannot be paid: no reward webhook is configured.`,
        'Set REWARD_WEBHOOK_URL and REWARD_WEBHOOK_SECRET, or use the payout "credit".',
      );
    }
    const version = await services.store.programs.publish(id, parsed.program, services.now());
    return {
      json: { programId: version.programId, version: version.version, publishedAt: isoOf(version.publishedAt) },
      lines: [
        `"${version.name}", version ${version.version}, is in force for "${name}" since ${isoOf(version.publishedAt)}.`,
      ],
    };
  });
}

async function readDocument({ readText }: Terminal, file: string): Promise<unknown> {
  const text = await readText(file).catch(() => {
    throw new CliError(`${file} cannot be read.`, 'Name a file that exists, or - for what is piped in.', {
      exitCode: EXIT.usage,
    });
  });
  try {
    return JSON.parse(withoutComments(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : '';
    throw new CliError(`${file} is not JSON: ${why}`, '"program example" shows one; comments are allowed.');
  }
}

/** JSON as people write it in files. What stands inside a string is not a comment, nor behind one that never ends. */
export function withoutComments(text: string): string {
  return text.replace(
    /("(?:\\.|[^"\\])*"?)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, string: string | undefined) => string ?? '',
  );
}
