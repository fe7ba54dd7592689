import { Argument, Option } from 'commander';
import type { Address } from '../client/address.ts';
import type { Schemas } from '../client/api-types.ts';
import type { Api } from '../client/api.ts';
import { CliError, type FieldProblem } from '../output/cli-error.ts';
import { findOne } from '../records/collection.ts';
import { keySets } from './key-set.ts';
import { counted } from '../../counted.ts';

export type CloudKey = Schemas['CloudKey'];

export function cloudKeysPath({ inVault }: Api): Address<'/vaults/{vaultId}/cloud-keys'> {
  return inVault('/cloud-keys');
}

export function keySetOption(): Option {
  return new Option('--key-set <key-set>', 'the key set, if the name is not unique');
}

const anyName = 'name, id or external key id, or the id, ARN, alias or alias ARN of its KMS key';

/** A CloudKey by any name that people have for it, as {@link findCloudKey} finds it. */
export function cloudKeyArgument(name = 'cloud-key'): Argument {
  return new Argument(`<${name}>`, anyName);
}

/** More than one CloudKey is called so: which they are. */
class AmbiguousNameError extends CliError {
  override readonly fields: readonly FieldProblem[];

  constructor(keys: readonly CloudKey[]) {
    super(
      'conflict',
      `there are ${counted(keys.length, 'CloudKey')} that are called so`,
      'add --key-set, or name the one you mean by its id',
    );
    this.name = 'AmbiguousNameError';
    this.fields = keys.map((key) => ({
      where: `key set ${key.keySetName}`,
      detail: `${key.name} (${key.effectiveState}), id ${key.id}, external key id ${key.externalKeyId}`,
    }));
  }
}

/**
 * A CloudKey by any name that people have for it: ours, or AWS's for its KMS key. A name is free again once its key is
 * deleted: what is left of deleted keys is found where no other has the name. Throws CliError where there is none, or more
 * than one.
 */
export async function findCloudKey(api: Api, name: string, keySet: string | undefined): Promise<CloudKey> {
  const keySetId = keySet === undefined ? undefined : (await findOne(api, keySets, keySet)).id;
  const called = name === '' ? [] : await api.client.list(cloudKeysPath(api), { keySetId, called: name });
  // Ids are ours alone to give: no name that somebody gives another key can stand in the way of one.
  const byId = called.find(({ id }) => id === name.toLowerCase());
  if (byId !== undefined) return byId;
  const live = called.filter(({ state }) => state !== 'DELETED');
  const found = live.length === 0 ? called : live;
  const [first] = found;
  if (first === undefined)
    throw new CliError('notFound', 'there is no such CloudKey', 'see: holdfast cloud-key list');
  if (found.length > 1) throw new AmbiguousNameError(found);
  return first;
}
