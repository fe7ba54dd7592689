import { randomBytes } from 'node:crypto';
import type { KmsKey } from './records.ts';

/** KMS's own key bytes for a new key. */
export function newMaterial(): Pick<KmsKey, 'material' | 'materialId'> {
  return { material: randomBytes(32).toString('base64'), materialId: randomBytes(32).toString('hex') };
}
