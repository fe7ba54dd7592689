import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as testNode from '../testing/test-node.ts';
import type * as tokens from '../testing/tokens.ts';
import { benchPair, type Side } from './pairs.ts';
import { Server } from './processes.ts';

/**
 * BENCH_ONLY=against BENCH_AGAINST=/another/checkout: the request path of this checkout against that of another one (an older
 * commit, with its npm packages), a node each.
 */
export async function benchAgainst(checkout: string): Promise<void> {
  await using sides = new AsyncDisposableStack();
  const side = async (directory: string): Promise<Side> => {
    const started = await start(path.resolve(directory));
    sides.defer(started.stop);
    return started;
  };
  const before = await side(checkout);
  const now = await side(path.join(import.meta.dirname, '..'));
  await benchPair(before, now, { names: ['before', 'now'] });
}

/** A node of that checkout's own making, with a token, a key set and a key. */
async function start(checkout: string): Promise<Side & { stop: () => Promise<void> }> {
  const of = async (file: string) =>
    // oxlint-disable-next-line walls/room -- of another checkout, whose files have other contents
    import(pathToFileURL(path.join(checkout, file)).href) as Promise<unknown>;
  // Where it is in checkouts of before it was shared.
  const support = existsSync(path.join(checkout, 'testing')) ? 'testing' : 'test/support';
  const { createSoftHsmToken } = (await of(`${support}/tokens.ts`)) as typeof tokens;
  const { TestNode } = (await of(`${support}/test-node.ts`)) as typeof testNode;
  await using made = new AsyncDisposableStack();
  const fixture = await createSoftHsmToken();
  made.defer(async () => fixture.dispose());
  const node = await TestNode.create({
    tokens: [{ fixture, settings: { hosts: 2 } }],
    workers: 2,
    realTimes: true,
  });
  made.defer(async () => node.dispose());
  const access = await node.makeKeySet('bench', { prefix: 'bench' });
  const key = await node.makeKey('bench', 'one');
  const words = [path.join(checkout, 'src/main.ts'), '--config', node.config, 'serve'];
  const server = await Server.start(checkout, words, path.join(node.directory, 'against.log'), { checkout });
  made.defer(async () => server.stop());
  const undo = made.move();
  return {
    proxies: [{ port: server.port, access, key, ca: node.ca.certificate }],
    pids: [server.pid],
    stop: async () => undo.disposeAsync(),
  };
}
