import { wallClock } from '../../clock.ts';
import type { Item } from '../client/api-client.ts';
import type { Api } from '../client/api.ts';
import { sentencesOf, type KeyChange } from '../records/cloud-key-sentences.ts';
import { inAws, troubleOf } from './cloud/kms-key-records.ts';
import { isForPrograms, printChanged, printRecord } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { textOf } from '../output/said.ts';
import { note } from '../output/streams.ts';

/** Prints a CloudKey: for people with what it inherits, and its KMS keys a line each. */
export async function tellCloudKey(api: Api, cloudKey: Item): Promise<void> {
  const { options } = api;
  printRecord(isForPrograms(options) ? cloudKey : await forPeople(api, cloudKey), options);
  if (!isForPrograms(options)) tellTroubles(cloudKey);
}

/** Prints what an act has changed. */
export async function tellCloudKeyChange(api: Api, change: KeyChange, after: Item): Promise<void> {
  const { options } = api;
  const isRecordShown = options.output !== undefined || options.verbose === true;
  const record = isForPrograms(options) || !isRecordShown ? after : await forPeople(api, after);
  printChanged(sentencesOf(change, after, wallClock()), record, options);
  if (!isForPrograms(options)) tellTroubles(after);
}

async function forPeople(api: Api, cloudKey: Item): Promise<Item> {
  const { kmsKeys, aws: _, state, effectiveState, keySetName, ...rest } = cloudKey;
  const keys = (kmsKeys ?? []) as Item[];
  return {
    name: rest['name'],
    ...(keySetName === undefined ? {} : { keySet: keySetName }),
    state: effectiveState ?? state,
    ...rest,
    rotation: await rotationOf(api, cloudKey),
    ...(keys.length === 0 ? {} : { 'KMS keys': keys.map(kmsKeyText) }),
  };
}

/** With what is inherited. */
async function rotationOf(api: Api, { rotation, keySetId }: Item): Promise<string> {
  const own = textOf(rotation, 'rotation');
  if ((rotation as Item | null)?.['kind'] !== 'INHERIT') return own;
  const keySet = await api.client.get(`${api.inVault('/key-sets')}/${String(keySetId)}`);
  return `${textOf(keySet['rotation'], 'rotation')} (${own})`;
}

function kmsKeyText(key: Item): string {
  const { region, alias, keyArn, drift } = key;
  const names = [alias, keyArn].filter((name) => typeof name === 'string' && name !== '');
  const state = `${inAws(key)}${drift === true ? ', differs in AWS' : ''}`;
  return [...names, String(region), state].join(' ');
}

function tellTroubles({ kmsKeys, aws }: Item): void {
  const keys = (kmsKeys ?? []) as Item[];
  const outcomes = (aws ?? []) as Item[];
  const troubled = outcomes.length > 0 ? outcomes : keys;
  for (const { region, alias, keyArn, problem } of troubled)
    for (const line of troubleOf({ problem }))
      note(printable(`${String(alias ?? keyArn ?? region)}: ${line}`));
}
