import { isForPrograms } from '../../output/output-options.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { Option } from 'commander';
import { wallClock } from '../../../clock.ts';
import { behind } from '../../client/address.ts';
import { isProblem } from '../../client/api-client.ts';
import type { Api } from '../../client/api.ts';
import { CliError } from '../../output/cli-error.ts';
import { printable } from '../../output/printable.ts';
import {
  tellStore,
  tellStoreChange,
  type ExternalKeyStore,
  type StoreAddress,
} from './external-key-store-records.ts';
import { note } from '../../output/streams.ts';

/** Between two looks, milliseconds: twice as long each time from the first on, since some things are quick and others take minutes. */
const firstLook = 250;
const lookEvery = 3_000;
/** AWS takes about five minutes to connect one; so long nobody waits in vain, milliseconds. */
const maxWait = 30 * 60_000;

/** What AWS is asked again so soon is waited for, milliseconds. */
const soon = 60_000;

interface On {
  record: StoreAddress;
  store: ExternalKeyStore;
}

export function waitOption(): Option {
  return new Option(
    '--wait',
    'wait until it is CONNECTED, or FAILED with the reason; Ctrl-C stops the waiting, not the connecting',
  );
}

/** Waits until AWS has connected it. Throws CliError with meaning and way out where that FAILED. */
export async function waitForConnection(api: Api, { record, store }: On): Promise<void> {
  const after = await waited(
    api,
    { record, store },
    ({ state, wanted, problem }) =>
      wanted === null &&
      (state === 'CONNECTED' || state === 'FAILED' || (state === 'DISCONNECTED' && problem !== null)),
  );
  if (after === undefined) throw gone();
  if (after.state === 'DISCONNECTED') throw problemOf(after);
  const { connectionError: error } = after;
  if (after.state === 'CONNECTED') {
    tellStoreChange(api, after);
    return;
  }
  if (isForPrograms(api.options)) tellStore(api, after);
  if (error === null) throw new CliError('unreachable', 'AWS could not connect it, and does not say why');
  throw new CliError(
    'unreachable',
    `AWS could not connect it: ${error.code}. ${error.meaning} Likely: ${error.cause}`,
    `${error.remediation} (${error.source})`,
  );
}

/** Waits until AWS has disconnected and deleted it. */
export async function waitForDeletion(api: Api, on: On): Promise<void> {
  const after = await waited(api, on, ({ wanted }) => wanted !== 'DELETE');
  if (after === undefined) return;
  const { problem } = after;
  throw new CliError(
    'conflict',
    problem?.message ?? 'it is no longer to be deleted',
    problem?.remediation ?? 'see: holdfast external-key-store show',
  );
}

/**
 * Asks for something and answers the key store; also where AWS's answer was lost, or AWS does not do it yet, and it is asked
 * again in seconds: `find` looks for the record then. Else throws what the API answered.
 */
export async function askedFor(
  ask: () => Promise<ExternalKeyStore>,
  find: () => Promise<ExternalKeyStore | undefined>,
): Promise<ExternalKeyStore> {
  try {
    return await ask();
  } catch (error) {
    if (!isProblem(error, ...ofAws)) throw error;
    const store = await find();
    if (store === undefined || store.wanted === null || !isTriedSoon(store)) throw error;
    note(printable(error.message));
    return store;
  }
}

/** By the node's own clock: AWS is asked again within a minute of the last failure, if there was one. */
function isTriedSoon(store: ExternalKeyStore): boolean {
  const { problem, nextCheckAt: next } = store;
  if (problem === null) return true;
  return next !== null && Date.parse(next) - Date.parse(problem.at) <= soon;
}

/** By our clock too: what stands as its problem may be of an act before this one, which is still at its first try. */
function isTriedLate(store: ExternalKeyStore): boolean {
  const { nextCheckAt: next } = store;
  return !isTriedSoon(store) && (next === null || Date.parse(next) - wallClock().getTime() > soon);
}

/** AWS's refusals and silences; and that the schedule is at it just now. */
const ofAws = ['aws', 'aws-busy'];
const ofTheMoment = [...ofAws, 'conflict'];

/** AWS is looked at now; where that fails, the record as it is, unless nobody looks again soon. */
async function looked(api: Api, record: StoreAddress): Promise<ExternalKeyStore> {
  try {
    return await api.client.post(behind(record, '/refresh'));
  } catch (error) {
    if (!isProblem(error, ...ofTheMoment)) throw error;
    const store = await api.client.get(record);
    if (!isTriedSoon(store)) throw error;
    return store;
  }
}

/** Looks at it every few seconds and tells each change on standard error; undefined once it is gone. */
async function waited(
  api: Api,
  { record, store }: On,
  isOver: (store: ExternalKeyStore) => boolean,
): Promise<ExternalKeyStore | undefined> {
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  let now = store;
  let told = '';
  let until = firstLook;
  while (!isOver(now)) {
    const { problem, state } = now;
    const news = [state, ...(problem === null ? [] : [problem.message])].join(': ');
    if (news !== told) {
      const hint = told === '' ? ' (AWS takes minutes; Ctrl-C leaves it going)' : '';
      note(printable(`${seconds()} s: ${news}${hint}`));
    }
    told = news;
    if (now.wanted !== null && isTriedLate(now)) throw problemOf(now);
    if (seconds() * 1000 > maxWait)
      throw new CliError(
        'unreachable',
        `it is ${state} still`,
        'it continues automatically; see: holdfast external-key-store show',
      );
    await pause(until);
    until = Math.min(2 * until, lookEvery);
    try {
      now = await looked(api, record);
    } catch (error) {
      if (isProblem(error, 'not-found')) return undefined;
      throw error;
    }
  }
  return now;
}

/** AWS is asked again in minutes or hours, or once somebody has put it right. */
function problemOf({ problem }: ExternalKeyStore): CliError {
  return new CliError('unreachable', problem?.message ?? 'AWS does not say why', problem?.remediation);
}

function gone(): CliError {
  return new CliError('notFound', 'it was deleted meanwhile', 'see: holdfast external-key-store list');
}
