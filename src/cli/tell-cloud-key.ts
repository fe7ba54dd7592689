import type { Item } from './api-client.ts';
import type { Api } from './api.ts';
import { troubleOf } from './kms-key-records.ts';
import { isForPrograms, printRecord } from './output.ts';
import { printable } from './printable.ts';
import { note } from './streams.ts';

interface Outcome extends Item {
  outcome: string;
  region: string;
  keyArn: string | null;
}

const words: Record<string, string> = {
  done: 'done in AWS too',
  pending: 'not done in AWS yet: it stays wanted and is repeated',
  'by-hand': 'to be done in AWS by hand (holdfast kms-key console): its CSP account is manual',
  'no-key': 'there is no KMS key yet',
};

/** Prints a CloudKey: for people its KMS keys a line each, and what came of an act there. */
export function tellCloudKey({ options }: Pick<Api, 'options'>, cloudKey: object): void {
  if (isForPrograms(options)) {
    printRecord(cloudKey, options);
    return;
  }
  const { kmsKeys, aws, effectiveState, ...rest } = cloudKey as Item;
  if (effectiveState !== undefined) rest['state'] = effectiveState;
  const keys = (kmsKeys ?? []) as Item[];
  const shown = keys.map((key) => `${String(key['region'])} ${nameOf(key)} ${stateOf(key)}`);
  printRecord({ ...rest, ...(keys.length === 0 ? {} : { 'KMS keys': shown }) }, options);
  const outcomes = (aws ?? []) as Outcome[];
  for (const { region, keyArn, outcome, ...more } of outcomes) {
    note(printable(`${region} ${keyArn ?? ''}: ${words[outcome] ?? outcome}`));
    for (const line of troubleOf(more)) note(printable(`  ${line}`));
  }
  if (outcomes.length > 0) return;
  for (const key of keys)
    for (const line of troubleOf({ problem: key['problem'] })) note(printable(`${nameOf(key)}: ${line}`));
}

function nameOf({ alias, keyArn }: Item): string {
  if (typeof alias === 'string' && alias !== '') return alias;
  return typeof keyArn === 'string' ? keyArn : '(no KMS key yet)';
}

function stateOf({ step, cloudStatus, wanted, drift }: Item): string {
  if (step !== 'DONE') return `at step ${String(step)}`;
  const asked = typeof wanted === 'string' ? `, ${wanted} asked for` : '';
  return `${String(cloudStatus)}${asked}${drift === true ? ', drift' : ''}`;
}
