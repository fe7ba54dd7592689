import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { BuiltConsole } from '../../src/http/console-files.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

test('a console that is built anew under a node that serves it is never there by half', async (t) => {
  const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-console-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const thread = new Worker(new URL('publishing-thread.ts', import.meta.url), { workerData: directory });
  t.teardown(async () => thread.terminate());
  const publish = async (build: number) => {
    const done = once(thread, 'message');
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's, not a window's
    thread.postMessage(build);
    await done;
  };
  await publish(0);
  const built = new BuiltConsole(path.join(directory, 'web'));
  /** As a browser does: the page, then what it names. Answers which build it was. */
  const visit = async (): Promise<number> => {
    const found = await built.files();
    if (typeof found === 'string') throw new Error(found);
    const names = (await readFile(found.page.path, 'utf8')).split(' ');
    for (const name of names) {
      const files = await built.filesWith(name);
      const file = typeof files === 'string' ? undefined : files.assets.get(name);
      if (file === undefined) throw new Error(`there is no ${name}`);
      t.is(await readFile(file.path, 'utf8'), name);
      t.deepEqual(file.encodings, ['br']);
    }
    return Number(/\d+/.exec(names[0] ?? '')?.[0]);
  };
  for (let build = 1; build <= 25; build++) {
    const state = { done: false };
    const published = publish(build).then(() => (state.done = true));
    do {
      const seen = await visit();
      t.true(seen === build || seen === build - 1, `${seen} while ${build} was made`);
    } while (!state.done);
    await published;
    // At once, not when it is looked for again.
    t.is(await visit(), build);
  }
  // Whoever has the page of the build before open still gets what it loads later; older ones are gone.
  const assets = readdirSync(path.join(directory, 'web', 'assets')).filter((name) => name.endsWith('.js'));
  t.deepEqual(
    assets.toSorted(),
    [24, 25].flatMap((build) => ['lazy', 'page', 'style'].map((name) => `${name}-${build}.js`)).toSorted(),
  );
  t.deepEqual(readdirSync(directory), ['web']);
});

test('a console that others may write is not served', async (t) => {
  const directory = mkdtempSync(path.join(memoryDirectory(), 'holdfast-console-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const built = () => new BuiltConsole(path.join(directory, 'web'));
  t.is(await built().files(), 'it is not built');
  chmodSync(directory, 0o777);
  t.is(
    await built().files(),
    `${directory} may be written by others than those who may write Holdfast itself`,
  );
});
