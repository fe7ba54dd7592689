/* The whole life of a CloudKey: made, read, changed, rotated, deleted; each in a file of its own. */

export { adoptCloudKey, createCloudKey, planCloudKey, type NewKeyInput } from './key-making.ts';
export { cloudKeyOrders, listCloudKeys, type CloudKeyFilter } from './key-list.ts';
export {
  findCloudKey,
  getCloudKey,
  effectiveState,
  keyState,
  listVersions,
  toList,
  type CloudKeyRecord,
  type KeyVersionRecord,
  type Usage,
  type UsedCloudKey,
} from './key-records.ts';
export {
  cancelDeletion,
  disableCloudKey,
  enableCloudKey,
  scheduleDeletion,
  updateCloudKey,
} from './key-states.ts';
export { deletionDays } from '../vault/limits.ts';
export { activateVersion, rotateCloudKey } from './key-versions.ts';
export { undoCreation, undoVersion } from './interrupted.ts';
