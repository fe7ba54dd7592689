import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import test from 'ava';
import { nodeCommand } from '../../src/node-process.ts';
import { waitUntil } from '../support/steady-load.ts';
import { TestNode, type LogLine } from '../../testing/test-node.ts';
import { createSoftHsmToken } from '../../testing/tokens.ts';

const main = path.resolve(import.meta.dirname, '../../src/main.ts');

test('SIGTERM at any moment of the start ends a node quietly, and it says so', async (t) => {
  const fixture = await createSoftHsmToken();
  t.teardown(async () => fixture.dispose());
  const node = await TestNode.create({ tokens: [{ fixture }], workers: 2, admin: true });
  t.teardown(async () => node.dispose());
  await node.closeVault();
  for (const [moment, words] of [
    ['once the first host is up', 'token host ready'],
    ['at the second', /token host ready[^]*token host ready/],
    ['when it is ready', 'holdfast ready'],
    ['right after, at work', 'store and tokens compared'],
  ] as const) {
    const [command, ...rest] = nodeCommand(main, '--config', node.config, 'serve');
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    t.teardown(() => child.kill('SIGKILL'));
    const printed = { stdout: '', stderr: '' };
    const closed = once(child, 'close') as Promise<[number | null]>;
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => (printed[name] += text));
    await waitUntil(() => printed.stdout.search(words) >= 0, undefined, 1);
    const before = printed.stdout.lastIndexOf('\n') + 1;
    child.kill('SIGTERM');
    const [code] = await closed;
    t.is(code, 0, moment);
    t.is(printed.stderr, '', moment);
    const lines = printed.stdout
      .slice(before)
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
    t.deepEqual(
      // Whether the checkout has a console is nothing of the end.
      lines.filter(({ level, msg }) => level !== 'info' && msg !== 'the console is not served'),
      [],
      moment,
    );
    t.deepEqual(
      lines.map(({ msg }) => msg).filter((msg) => msg === 'draining' || msg === 'stopped'),
      ['draining', 'stopped'],
      moment,
    );
  }
});
