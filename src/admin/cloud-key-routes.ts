import { z } from 'zod';
import type { UsedCloudKey } from '../vault/cloud-keys.ts';
import { showKey } from './cloud-key-forms.ts';
import { vaultId } from './key-forms.ts';
import type { Answer, Call } from './route.ts';

/* What the routes of CloudKeys have in common. */

export const keyTag = 'CloudKeys';
export const keyPath = '/vaults/{vaultId}/cloud-keys';
export const inVault = z.strictObject({ vaultId });
export const one = z.strictObject({ vaultId, cloudKeyId: z.uuid().describe('The CloudKey.') });
export const readKeys = { kind: 'permission', vault: 'vault.read' } as const;
export const writeKeys = { kind: 'permission', vault: 'cloud-keys.write' } as const;
export const deleteKeys = { kind: 'permission', vault: 'cloud-keys.delete' } as const;

type OnKeys = Pick<Call<{ vaultId: string }, unknown, unknown>, 'act' | 'params'>;

export function made(call: OnKeys, row: UsedCloudKey): Answer {
  const { vaultId } = call.params;
  return { ...shown(call, row), status: 201, location: `/vaults/${vaultId}/cloud-keys/${row.id}` };
}

export function shown({ act }: Pick<OnKeys, 'act'>, row: UsedCloudKey): Answer {
  return { body: showKey(row, act.at), rowVersion: row.row_version };
}
