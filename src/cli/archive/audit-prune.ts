import { setTimeout as pause } from 'node:timers/promises';
import type { ArchiveHeader, ArchiveTrailer } from '../../evidence/archive.ts';
import { one, type Address, type OneOf } from '../client/address.ts';
import type { Api } from '../client/api.ts';
import type { Schemas } from '../client/api-types.ts';
import { isProblem } from '../client/api-client.ts';
import { CliError } from '../output/cli-error.ts';
import { note } from '../output/streams.ts';
import { counted } from '../../counted.ts';

/** Between two looks, milliseconds. */
const lookEvery = 500;
/** The node continues automatically; so long it is waited for, milliseconds: some millions of events. */
const maxWait = 60 * 60_000;

export type AuditTrail = Schemas['AuditTrail'];
export type AuditPruning = Schemas['AuditPruning'];

export async function trailOf({ client, here }: Api, deletedVault: string | undefined): Promise<AuditTrail> {
  return client.get(here('/audit-trail'), { deletedVault });
}

/**
 * Has the node delete exactly the events of an archive that was verified, and waits for it. Where that was asked for before,
 * and cut off, it is the same one. Throws CliError where the node refuses: then nothing was deleted.
 */
export async function prune(
  api: Api,
  header: ArchiveHeader,
  trailer: ArchiveTrailer,
): Promise<Pick<AuditPruning, 'id' | 'state' | 'deleted' | 'kept'>> {
  const deletedVault = deletedVaultOf(api, header);
  const { from, before } = header;
  const { count, eventsSha256: sha256 } = trailer;
  const prunings = api.here('/audit-prunings');
  const isThis = (one: AuditPruning) =>
    one.from === from && one.before === before && one.count === count && one.sha256 === sha256;
  const begun = async () =>
    (await api.client.list(prunings, { deletedVault }, 200)).find(
      (one) => isThis(one) && one.state !== 'REFUSED',
    );
  let pruning = await begun();
  try {
    pruning ??= await api.client.create(prunings, { from, before, count, sha256, deletedVault });
  } catch (error) {
    // Somebody else has asked for the same meanwhile.
    pruning = isProblem(error, 'conflict') ? await begun() : undefined;
    if (pruning === undefined) throw error;
  }
  const { id, state, deleted, kept } = await ended(api, one(prunings, pruning.id), pruning);
  return { id, state, deleted, kept };
}

/** Throws CliError where the archive is of another trail than the one that is signed in to. */
function deletedVaultOf({ vaultId }: Api, { vault }: ArchiveHeader): string | undefined {
  // The appliance prunes its own trail, and those of vaults that were deleted.
  if (vaultId === undefined) return vault?.id;
  if (vault?.id === vaultId) return undefined;
  throw new CliError(
    'usage',
    vault === null
      ? 'the archive is of the trail of the appliance, and you are signed in to a vault'
      : `the archive is of the vault ${vault.name}, and you are signed in to another`,
    'holdfast login, to whose trail it is',
  );
}

async function ended(
  { client }: Api,
  record: Address<OneOf<'/audit-prunings' | '/vaults/{vaultId}/audit-prunings'>>,
  begun: AuditPruning,
): Promise<AuditPruning> {
  const began = performance.now();
  let pruning = begun;
  let told = '';
  while (pruning.state === 'VERIFYING' || pruning.state === 'DELETING') {
    if (pruning.state !== told)
      note(`holdfast: ${pruning.state}: ${counted(pruning.count, 'event')} (Ctrl-C leaves it going)`);
    told = pruning.state;
    if (performance.now() - began > maxWait)
      throw new CliError(
        'unreachable',
        `the pruning is ${pruning.state} still`,
        'it continues automatically; see: holdfast audit prunings',
      );
    await pause(lookEvery);
    pruning = await client.get(record);
  }
  if (pruning.state === 'REFUSED')
    throw new CliError(
      'conflict',
      `nothing was pruned: ${pruning.problem ?? ''}`,
      'make a new archive of this range, to another file, and prune by that. Where that is refused too, the trail is not what it was: find out why before anything else',
    );
  return pruning;
}
