import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { answerQuestions } from '../processes.ts';

/* Where a peer puts what it has: a file, flushed before the answer; what comes in one turn of the event loop shares the flush. */

const file = openSync(process.env.SINK_FILE ?? '', 'a');
let delivered = 0;
let waiting: Array<{ body: Buffer; answer: () => void }> = [];

function flush(): void {
  const batch = waiting;
  waiting = [];
  for (const { body } of batch) writeSync(file, body);
  fdatasyncSync(file);
  delivered += batch.length;
  for (const { answer } of batch) answer();
}

createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const answer = () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
    waiting.push({ body: Buffer.concat([...chunks, Buffer.from('\n')]), answer });
    if (waiting.length === 1) setImmediate(flush);
  });
}).listen(Number(process.env.SINK_PORT), '127.0.0.1');

answerQuestions<{ kind: 'delivered' }>(() => delivered);
process.on('exit', () => closeSync(file));
