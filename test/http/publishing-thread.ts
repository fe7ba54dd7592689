import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { publishConsole } from '../../scripts/publish-web.ts';

/* Publishes one build after another, each when it is told to. */

const directory = workerData as string;

parentPort?.on('message', (build: number) => {
  const from = path.join(directory, `making-${build}`);
  mkdirSync(path.join(from, 'assets'), { recursive: true });
  const names = ['page', 'style', 'lazy'].map((name) => `${name}-${build}.js`);
  for (const name of names) {
    writeFileSync(path.join(from, 'assets', name), name);
    writeFileSync(path.join(from, 'assets', `${name}.br`), name);
  }
  writeFileSync(path.join(from, 'index.html'), names.join(' '));
  writeFileSync(path.join(from, 'inputs'), `${build}\n`);
  publishConsole(from, path.join(directory, 'web'));
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's, not a window's
  parentPort?.postMessage(build);
});
