import { Option } from 'commander';
import { isProblem, type Query } from './api-client.ts';
import type { Api } from './api.ts';
import { CliError } from './cli-error.ts';
import { findOne, type Found } from './collection.ts';
import { isUuid } from './connection.ts';
import { keySets } from './key-set.ts';

export function cloudKeysPath({ inVault }: Api): string {
  return inVault('/cloud-keys');
}

export function keySetOption(): Option {
  return new Option('--key-set <key-set>', 'the key set, where the name is not unique');
}

/**
 * A CloudKey by its id, external key id or name. A name is free again once its key is deleted: what is left of deleted
 * keys is found where no other has the name.
 */
export async function findCloudKey(api: Api, name: string, keySet: string | undefined): Promise<Found> {
  const path = cloudKeysPath(api);
  if (isUuid(name)) {
    try {
      return await api.client.get<Found>(`${path}/${name.toLowerCase()}`);
    } catch (error) {
      // External key ids of our own making are UUIDs too.
      if (!isProblem(error, 'not-found')) throw error;
    }
  }
  const within: Query = keySet === undefined ? {} : { keySetId: (await findOne(api, keySets, keySet)).id };
  const byName = /^[A-Za-z0-9_/-]{1,250}$/.test(name)
    ? await api.client.list<Found>(path, { ...within, name })
    : [];
  const byExternalId = /^[A-Za-z0-9._-]{1,128}$/.test(name)
    ? await api.client.list<Found>(path, { ...within, externalKeyId: name })
    : [];
  const all = new Map(
    [...byName.filter((key) => key['name'] === name), ...byExternalId].map((key) => [key.id, key]),
  );
  const keys = [...all.values()];
  const live = keys.filter(({ state }) => state !== 'DELETED');
  const found = live.length === 0 ? keys : live;
  const [first] = found;
  if (first === undefined)
    throw new CliError('notFound', 'there is no such CloudKey', 'see: holdfast cloud-key list');
  if (found.length > 1)
    throw new CliError(
      'conflict',
      `there are ${found.length} CloudKeys of this name`,
      `add --key-set, or name it by id: ${found.map(({ id }) => id).join(', ')}`,
    );
  return first;
}
