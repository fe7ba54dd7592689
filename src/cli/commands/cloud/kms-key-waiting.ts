import { setTimeout as pause } from 'node:timers/promises';
import { Option } from 'commander';
import type { Api } from '../../client/api.ts';
import { CliError } from '../../output/cli-error.ts';
import type { KmsKey, KmsKeyRecord } from './kms-key-records.ts';
import { printable } from '../../output/printable.ts';
import { note } from '../../output/streams.ts';

/** Between two looks, milliseconds. */
const lookEvery = 1_000;
/** AWS needs a second or two; what takes longer waits for something, milliseconds. */
const maxWait = 10 * 60_000;

export function waitOption(): Option {
  return new Option(
    '--wait',
    'wait until KMS key and alias are created, or something prevents it; Ctrl-C stops the waiting, not the ' +
      'creation',
  );
}

/** What is tried again so soon is waited for, milliseconds. */
const soon = 60_000;

/** Waits until the KMS key record is DONE. Throws CliError with the way out where somebody has to do something first, or gave it up. */
export async function waitForKmsKey(api: Api, record: KmsKeyRecord): Promise<KmsKey> {
  const began = performance.now();
  let told = '';
  for (;;) {
    const key = await api.client.get(record);
    const { problem, step } = key;
    if (step === 'DONE') return key;
    if (step === 'GONE')
      throw new CliError(
        'conflict',
        'the KMS key record was removed while waiting for it',
        'holdfast kms-key show says what became of it; holdfast kms-key create creates another',
      );
    if (problem !== null && problem.fault !== 'waiting' && !isTriedSoon(problem.at, key.nextAttemptAt))
      throw new CliError('unreachable', problem.message, problem.remediation);
    if (problem !== null && problem.message !== told) {
      note(printable(`${problem.message}: ${problem.remediation}`));
      told = problem.message;
    }
    if (performance.now() - began > maxWait)
      throw new CliError(
        'unreachable',
        problem?.message ?? 'the KMS key does not exist yet',
        'it continues automatically; see: holdfast kms-key show',
      );
    await pause(lookEvery);
  }
}

/** By the node's own clock, from the failure to the next try: AWS takes a while to know what was just made or allowed. */
function isTriedSoon(at: string, next: string | null): boolean {
  return next !== null && Date.parse(next) - Date.parse(at) <= soon;
}
