/**
 * Writes the JSON Schema of program files from the schema that reads them.
 *   node scripts/program-schema.ts           writes
 *   node scripts/program-schema.ts --check   fails when what is written differs
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { programDocument } from '../src/application/program-document.ts';

const FILE = fileURLToPath(new URL('../programs/program.schema.generated.json', import.meta.url));

/** What an editor needs to complete and check a file; contradictions between fields only `program validate` finds. */
export function programSchemaText(): string {
  const schema = z.toJSONSchema(programDocument, { io: 'input', target: 'draft-2020-12' });
  return `${JSON.stringify({ $id: 'https://wonward.dev/program.schema.json', title: 'Wonward program', ...schema }, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = programSchemaText();
  const isSame = existsSync(FILE) && readFileSync(FILE, 'utf8') === text;
  if (process.argv.includes('--check')) {
    if (!isSame) {
      console.error(
        'programs/program.schema.generated.json is not what src/application/program-document.ts says: npm run generate',
      );
      process.exit(1);
    }
  } else if (!isSame) writeFileSync(FILE, text);
}
