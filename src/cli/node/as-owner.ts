import { nodeDirectories, type LoadedConfig } from '../../config/load.ts';
import { becomeOwner } from '../../store/owner.ts';
import { note } from '../output/streams.ts';

/** Before a command that root runs touches a file of the node; what root alone may read is read before. */
export function goOnAsOwner(config: LoadedConfig): void {
  goOnAsOwnerOf(nodeDirectories(config));
}

export function goOnAsOwnerOf(directories: readonly string[]): void {
  const owner = becomeOwner(directories);
  if (owner !== undefined) note(`holdfast: goes on as user ${owner.uid}, who has ${owner.directory}`);
}
