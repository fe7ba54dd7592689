import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call, type Answered } from '../api/client.ts';
import type { InForce } from '../api/in-force.ts';
import type { AnswerOf } from '../api/operation-types.ts';
import { ProblemError } from '../api/problem.ts';
import type { Why } from '../parts/act-dialog.tsx';
import { seenOf } from '../parts/seen.tsx';
import { commands } from '../texts/commands.ts';
import { keys } from '../texts/keys.ts';
import type { Side } from './side.tsx';
import { wasUsedLately, type CloudKey } from './use.ts';

export type BulkAct = 'disable' | 'enable' | 'rotate' | 'remove';

/** What is chosen for all of them. */
export interface BulkChoice {
  act: BulkAct;
  side: Side;
  /** Until the key objects are destroyed. */
  days: string;
}

/** What became of one. */
export interface BulkOutcome {
  aws: readonly Schemas['CloudOutcome'][];
  inForce: InForce | undefined;
}

/** Whether a CloudKey is in a state for it. */
export function canBe(act: 'rotate' | 'remove', { state }: CloudKey): boolean {
  if (act === 'rotate') return state === 'AVAILABLE';
  return state !== 'CREATING' && state !== 'PENDING_DELETION' && state !== 'DELETED';
}

/** Does it to one. What was done to it meanwhile, perhaps by a request of ours whose answer was lost, is not done twice. */
export async function doToOne(
  vaultId: string,
  { act, side, days }: BulkChoice,
  key: CloudKey,
  why: Why,
): Promise<BulkOutcome> {
  const params = { vaultId, cloudKeyId: key.id };
  if (act === 'disable' || act === 'enable') {
    // Whatever it is now, it is to be so afterwards.
    const asked = { params, body: { cloud: side, ...why }, ifMatch: '*' };
    return outcomeOf(
      await (act === 'disable' ? call('disableCloudKey', asked) : call('enableCloudKey', asked)),
    );
  }
  const { body: now, etag: ifMatch } = seenOf(await call('getCloudKey', { params }));
  if (act === 'remove') {
    // It is not deleted unseen if it is not as it was when it was chosen, and another's deletion is not told as this one.
    if (now.state !== key.state || (wasUsedLately(now) && !wasUsedLately(key)))
      throw new ProblemError({ kind: 'precondition-failed', status: 412, ...keys.bulkChanged(now.name) });
    const body = { days: Number(days), cloud: side, ...why };
    return outcomeOf(await call('scheduleCloudKeyDeletion', { params, body, ifMatch }));
  }
  if (now.currentVersion === key.currentVersion) await call('rotateCloudKey', { params, ifMatch });
  return nothingElse;
}

const nothingElse: BulkOutcome = { aws: [], inForce: undefined };

function outcomeOf({ body, inForce }: Answered<AnswerOf<'disableCloudKey'>>): BulkOutcome {
  return { aws: body.aws ?? [], inForce };
}

export function commandOf({ act, side, days }: BulkChoice, { name, keySetName }: CloudKey): string {
  const both = side === 'both';
  if (act === 'rotate') return commands.cloudKeyRotate(name, keySetName);
  if (act === 'remove') return commands.cloudKeyDelete(name, keySetName, days, both);
  return commands.cloudKeyAct(act, name, keySetName, both);
}
