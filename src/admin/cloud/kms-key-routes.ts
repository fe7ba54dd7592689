import { z } from 'zod';
import type { OnKmsKey } from '../../cloud/kms-keys/acts.ts';
import { attemptAll } from '../../cloud/kms-keys/attempts.ts';
import { getKmsKey } from '../../cloud/kms-keys/records.ts';
import { keyPath } from '../keys/cloud-key-routes.ts';
import { vaultId } from '../keys/key-forms.ts';
import { callerOf, type Call } from '../route.ts';
import { showKmsKey } from './kms-key-forms.ts';

/* What all routes on a KMS key share: where it is, and how it is shown after an act on it. */

export const tag = 'KMS keys';
export const path = `${keyPath}/{cloudKeyId}/kms-keys`;
export const one = z.strictObject({
  vaultId,
  cloudKeyId: z.uuid().describe('The CloudKey.'),
  kmsKeyId: z.uuid().describe('The KMS key record.'),
});
export type One = z.output<typeof one>;

/** How long an answer waits for AWS, milliseconds; what takes longer goes on. */
const timeout = 8_000;

export type OnOne = Pick<Call<One, unknown, unknown>, 'services' | 'caller' | 'params' | 'expected'>;

export function onKmsKey(call: OnOne): OnKmsKey {
  const { vaultId, cloudKeyId, kmsKeyId: id } = call.params;
  return { vaultId, sight: callerOf(call).sight, cloudKeyId, id, expected: call.expected };
}

/** Has AWS do what was asked for, and shows what came of it. */
export async function afterwards(call: OnOne) {
  await attemptAll(call.services, [call.params.kmsKeyId], timeout);
  return shown(call, call.params);
}

export async function shown(call: Pick<OnOne, 'services' | 'caller'>, at: One, sight = callerOf(call).sight) {
  const { vaultId, cloudKeyId, kmsKeyId } = at;
  const row = await getKmsKey(call.services, vaultId, sight, cloudKeyId, kmsKeyId);
  return { body: showKmsKey(row), rowVersion: row.row_version };
}
