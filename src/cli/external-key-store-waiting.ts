import { setTimeout as pause } from 'node:timers/promises';
import { Option } from 'commander';
import { isProblem } from './api-client.ts';
import type { Api } from './api.ts';
import { CliError } from './cli-error.ts';
import { printable } from './printable.ts';
import { tellStore, type ConnectionError, type FoundStore } from './external-key-store-records.ts';
import { note } from './streams.ts';

/** Between two looks, milliseconds. */
const lookEvery = 3_000;
/** AWS takes about five minutes to connect one; so long nobody waits in vain, milliseconds. */
const longestWait = 30 * 60_000;

interface On {
  path: string;
  store: FoundStore;
}

export function waitOption(): Option {
  return new Option(
    '--wait',
    'wait until it is CONNECTED, or FAILED with the reason; Ctrl-C ends the waiting, not the connecting',
  );
}

/** Waits until AWS has connected it. Throws CliError with meaning and way out where that FAILED. */
export async function waitForConnection(api: Api, { path, store }: On): Promise<void> {
  const after = await waited(
    api,
    { path, store },
    ({ state, wanted }) => wanted === null && (state === 'CONNECTED' || state === 'FAILED'),
  );
  if (after === undefined) throw gone();
  const error = after['connectionError'] as ConnectionError | null;
  if (after['state'] === 'CONNECTED') {
    tellStore(api, after);
    return;
  }
  if (api.options.json === true) tellStore(api, after);
  if (error === null) throw new CliError('unreachable', 'AWS could not connect it, and does not say why');
  throw new CliError(
    'unreachable',
    `AWS could not connect it: ${error.code}. ${error.meaning} Likely: ${error.cause}`,
    `${error.wayOut} (${error.source})`,
  );
}

/** Waits until AWS has disconnected and deleted it. */
export async function waitForDeletion(api: Api, on: On): Promise<void> {
  const after = await waited(api, on, ({ wanted }) => wanted !== 'DELETE');
  if (after === undefined) return;
  const problem = after['problem'] as { message: string; wayOut: string } | null;
  throw new CliError(
    'conflict',
    problem?.message ?? 'it is not to be deleted any more',
    problem?.wayOut ?? 'see: holdfast external-key-store show',
  );
}

/** Looks at it every few seconds and tells each change on standard error; undefined once it is gone. */
async function waited(
  api: Api,
  { path, store }: On,
  isOver: (store: FoundStore) => boolean,
): Promise<FoundStore | undefined> {
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  let now = store;
  let told = '';
  while (!isOver(now)) {
    const problem = now['problem'] as { message: string } | null;
    const news = [now['state'], ...(problem === null ? [] : [problem.message])].join(': ');
    if (news !== told) {
      const hint = told === '' ? ' (AWS takes minutes; Ctrl-C leaves it going)' : '';
      note(printable(`${seconds()} s: ${news}${hint}`));
    }
    told = news;
    if (seconds() * 1000 > longestWait)
      throw new CliError(
        'unreachable',
        `it is ${String(now['state'])} still`,
        'it goes on by itself; see: holdfast external-key-store show',
      );
    await pause(lookEvery);
    try {
      now = await api.client.send<FoundStore>({ method: 'POST', path: `${path}/refresh` });
    } catch (error) {
      if (isProblem(error, 'not-found')) return undefined;
      throw error;
    }
  }
  return now;
}

function gone(): CliError {
  return new CliError('notFound', 'it was deleted meanwhile', 'see: holdfast external-key-store list');
}
