import type { SimulatedCall } from '../service.ts';
import { kmsError } from './errors.ts';
import type { Kms } from './kms-house.ts';
import type { Alias, KmsKey } from './records.ts';

export interface Found {
  readonly key: KmsKey;
  /** The alias by which it was asked for. */
  readonly alias?: string;
}

/**
 * The key that a KeyId means: key id, key ARN, and where `aliases` says so alias name or alias ARN. A key of another account is
 * found by ARN only, by operations that work across accounts (`foreign`). Throws NotFoundException.
 */
export function findKey(
  kms: Kms,
  call: SimulatedCall,
  keyId: string,
  { aliases = false, foreign = false } = {},
): Found {
  const { accountId, region, resource } = parseKeyId(call, keyId);
  if (accountId !== call.accountId && !foreign)
    throw kmsError('AccessDeniedException', `${call.action} does not work on a key of another account`);
  const place = kms.state.place(accountId, region);
  if (!resource.startsWith('alias/')) {
    const key = visible(kms, place.keys.get(resource.replace(/^key\//, '')));
    if (key === undefined)
      throw kmsError('NotFoundException', 'There is no such key in this account and Region');
    return { key };
  }
  if (!aliases)
    throw kmsError('NotFoundException', `${call.action} takes a key id or a key ARN, not an alias`);
  const alias = place.aliases.get(resource);
  const target = alias === undefined ? undefined : visible(kms, place.keys.get(targetNow(kms, alias) ?? ''));
  if (target === undefined)
    throw kmsError('NotFoundException', 'There is no such alias in this account and Region');
  return { key: target, alias: resource };
}

/** The key itself, where whoever is asked knows of it. */
function visible(kms: Kms, key: KmsKey | undefined): KmsKey | undefined {
  return key === undefined || seenKey(kms, key) === undefined ? undefined : key;
}

/** The key as whoever is asked sees it: as it was, where the change has not spread. Never to be changed. */
export function seenKey(kms: Kms, key: KmsKey): Readonly<KmsKey> | undefined {
  return kms.house.consistency.seen<KmsKey>(key.arn, key);
}

/** Before the key is changed. */
export function changingKey(kms: Kms, key: KmsKey): void {
  kms.house.consistency.changing(key.arn, key);
}

/** What operations see of an alias at this moment. */
export function targetNow(kms: Kms, alias: Alias): string | undefined {
  const delay = alias.effectiveAt - alias.updatedAt;
  return kms.house.consistency.hasSpread(alias.updatedAt, delay) ? alias.targetKeyId : alias.previousKeyId;
}

function parseKeyId(
  call: SimulatedCall,
  keyId: string,
): { accountId: string; region: string; resource: string } {
  if (!keyId.startsWith('arn:')) return { accountId: call.accountId, region: call.region, resource: keyId };
  const [, partition, service, region = '', accountId = '', ...rest] = keyId.split(':');
  const resource = rest.join(':');
  if (service !== 'kms' || !/^\d{12}$/.test(accountId) || !/^(key|alias)\/./.test(resource))
    throw kmsError('InvalidArnException', 'The ARN is not one of a KMS key or alias');
  if (partition !== call.partition || region !== call.region)
    throw kmsError('NotFoundException', 'The ARN is of another Region than the one that was called');
  return { accountId, region, resource };
}

/** Keys whose waiting period is over go, with their aliases. */
export function removeDeletedKeys(kms: Kms): void {
  const now = kms.house.now().getTime();
  for (const { keys, aliases } of kms.state.places())
    for (const key of keys.values()) {
      if (key.deletionAt === undefined || key.deletionAt > now) continue;
      keys.delete(key.id);
      for (const alias of aliases.values()) if (alias.targetKeyId === key.id) aliases.delete(alias.name);
      kms.house.changed();
    }
}
