import { z } from 'zod';
import type { UsedCloudKey } from '../../keys/cloud-keys.ts';
import { outcomesInAws } from '../../cloud/kms-keys/cloud-key-follower.ts';
import type { CloudSide } from '../../keys/followers.ts';
import { tryLater } from '../../cloud/kms-keys/attempts.ts';
import { kmsKeysOf } from '../../cloud/kms-keys/records.ts';
import { showKey } from './cloud-key-forms.ts';
import { vaultId } from './key-forms.ts';
import type { Call } from '../route.ts';

/* What the routes of CloudKeys have in common. */

export const keyTag = 'CloudKeys';
export const keyPath = '/vaults/{vaultId}/cloud-keys';
export const inVault = z.strictObject({ vaultId });
export const one = z.strictObject({ vaultId, cloudKeyId: z.uuid().describe('The CloudKey.') });
export const readKeys = { kind: 'permission', vault: 'vault.read' } as const;
export const writeKeys = { kind: 'permission', vault: 'cloud-keys.write' } as const;
export const deleteKeys = { kind: 'permission', vault: 'cloud-keys.delete' } as const;

type OnKeys = Pick<Call<{ vaultId: string }, unknown, unknown>, 'act' | 'params' | 'services'>;

export async function made(call: OnKeys, row: UsedCloudKey) {
  const { vaultId } = call.params;
  return { ...(await shown(call, row)), status: 201, location: `/vaults/${vaultId}/cloud-keys/${row.id}` };
}

export async function shown({ act, services }: Pick<OnKeys, 'act' | 'services'>, row: UsedCloudKey) {
  const kmsKeys = await kmsKeysOf(services, [row.id]);
  return { body: showKey(row, kmsKeys.get(row.id) ?? [], act.at), rowVersion: row.row_version };
}

/** How long an answer waits for AWS, milliseconds: ours is done by then, and what AWS takes longer for goes on. */
const timeout = 8_000;

/** After an act that is done here: with `both` what came of it in AWS, which has been asked meanwhile. */
export async function acted(call: Pick<OnKeys, 'act' | 'services'>, row: UsedCloudKey, cloud: CloudSide) {
  if (cloud === 'ours') {
    tryLater(call.services, row.id);
    return shown(call, row);
  }
  const aws = await outcomesInAws(call.services, row.id, timeout);
  const answer = await shown(call, row);
  return { ...answer, body: { ...answer.body, aws } };
}
