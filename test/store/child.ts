import { openStore } from '../../src/store/open.ts';
import { hint, T0, tenant } from '../conformance/store-fixtures.ts';

/** A process of its own for tests that race or kill one: `node child.ts open|append <url>`. */
const [task, url = ''] = process.argv.slice(2);
const say = (text: string) => process.stdout.write(`${text}\n`);

if (task === 'open') {
  // As near to the same moment as two processes get.
  const at = Number(process.argv[4]);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));
  const store = await openStore({ url });
  await store.ping();
  await store.close();
  say('open');
}

if (task === 'append') {
  const store = await openStore({ url });
  const a = tenant(store);
  for (let index = 0; ; index += 1) {
    await store.inbox.append(a.of, [hint(`e${index}`, [`${index}`]), hint(`f${index}`, [`${index}`])], T0);
    say(`e${index} f${index}`);
  }
}
