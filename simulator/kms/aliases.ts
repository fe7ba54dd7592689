import type { SimulatedCall } from '../service.ts';
import { authorizeCall, authorizeKey } from './access.ts';
import { kmsError, validation } from './errors.ts';
import { findKey, targetNow } from './find-key.ts';
import { Input } from './input.ts';
import { refusePendingDeletion } from './key-state.ts';
import type { Kms } from './kms-house.ts';
import type { Alias } from './records.ts';
import { page } from './pages.ts';
import { arnOf } from './state.ts';
import { recordKey, recordParameters } from './trail.ts';

const maxAliasesOfKey = 50;

export function createAlias(kms: Kms, call: SimulatedCall) {
  const { name, place, delay, input, now } = begin(kms, call);
  const { key } = findKey(kms, call, input.text('TargetKeyId'));
  recordKey(call, key);
  authorizeCall(call, 'kms:CreateAlias', arnOf(call, name));
  authorizeKey(kms, call, 'kms:CreateAlias', key, { conditions: { 'kms:RequestAlias': name } });
  refusePendingDeletion(key);
  if (place.aliases.has(name))
    throw kmsError('AlreadyExistsException', 'There is an alias of this name in the account and Region');
  refuseMany(kms, call, key.id);
  place.aliases.set(name, {
    name,
    createdAt: now,
    updatedAt: now,
    targetKeyId: key.id,
    effectiveAt: now + delay,
  });
  kms.house.changed();
}

export function updateAlias(kms: Kms, call: SimulatedCall) {
  const { name, place, delay, input, now } = begin(kms, call);
  const { key } = findKey(kms, call, input.text('TargetKeyId'));
  recordKey(call, key);
  authorizeCall(call, 'kms:UpdateAlias', arnOf(call, name));
  authorizeKey(kms, call, 'kms:UpdateAlias', key, { conditions: { 'kms:RequestAlias': name } });
  const alias = place.aliases.get(name);
  const isSeen = alias !== undefined && targetNow(kms, alias) !== undefined;
  const before = isSeen ? place.keys.get(alias.targetKeyId) : undefined;
  if (alias === undefined || before === undefined) throw aliasNotFound();
  authorizeKey(kms, call, 'kms:UpdateAlias', before, { conditions: { 'kms:RequestAlias': name } });
  refusePendingDeletion(key);
  refuseMany(kms, call, key.id);
  const previousKeyId = targetNow(kms, alias);
  Object.assign(alias, { updatedAt: now, targetKeyId: key.id, effectiveAt: now + delay });
  if (previousKeyId === undefined) delete alias.previousKeyId;
  else alias.previousKeyId = previousKeyId;
  kms.house.changed();
}

export function deleteAlias(kms: Kms, call: SimulatedCall) {
  const { name, place } = begin(kms, call);
  authorizeCall(call, 'kms:DeleteAlias', arnOf(call, name));
  const alias = place.aliases.get(name);
  const isSeen = alias !== undefined && targetNow(kms, alias) !== undefined;
  const key = isSeen ? place.keys.get(alias.targetKeyId) : undefined;
  if (key === undefined) throw aliasNotFound();
  recordKey(call, key);
  authorizeKey(kms, call, 'kms:DeleteAlias', key);
  kms.house.consistency.changing(ghostName(call, name), alias);
  place.aliases.delete(name);
  kms.house.changed();
}

/** What other operations see: an alias that is still spreading is not there yet. */
export function listAliases(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.optionalText('KeyId');
  recordParameters(call, { keyId });
  authorizeCall(call, 'kms:ListAliases');
  const key = keyId === undefined ? undefined : findKey(kms, call, keyId).key;
  const place = kms.state.place(call.accountId, call.region);
  const gone = kms.house.consistency.ghosts<Alias>(ghostName(call, ''), (ghost) =>
    place.aliases.has(ghost.slice(ghostName(call, '').length)),
  );
  const aliases = [...place.aliases.values(), ...gone].filter((alias) => {
    const target = targetNow(kms, alias);
    return target !== undefined && (key === undefined || target === key.id);
  });
  const { items, truncation } = page(input, aliases, ({ name }) => name, { standard: 50, max: 100 });
  return {
    Aliases: items.map((alias) => ({
      AliasName: alias.name,
      AliasArn: arnOf(call, alias.name),
      TargetKeyId: targetNow(kms, alias),
      CreationDate: alias.createdAt / 1000,
      LastUpdatedDate: alias.updatedAt / 1000,
    })),
    ...truncation,
  };
}

function begin(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const name = input.text('AliasName', { max: 256 });
  recordParameters(call, { aliasName: name, targetKeyId: input.optionalText('TargetKeyId') });
  if (!/^alias\/[a-zA-Z0-9/_-]+$/.test(name))
    throw validation('An alias is alias/ and letters, digits, slashes, underscores and hyphens');
  if (name.startsWith('alias/aws/'))
    throw kmsError('NotAuthorizedException', 'Aliases that begin with alias/aws/ are AWS’s own');
  return {
    input,
    name,
    place: kms.state.place(call.accountId, call.region),
    delay: kms.house.options.time?.aliasDelayMs ?? kms.house.consistency.window,
    now: kms.house.consistency.now(),
  };
}

function refuseMany(kms: Kms, call: SimulatedCall, keyId: string): void {
  const { aliases } = kms.state.place(call.accountId, call.region);
  if ([...aliases.values()].filter((alias) => alias.targetKeyId === keyId).length >= maxAliasesOfKey)
    throw kmsError('LimitExceededException', `A key has at most ${maxAliasesOfKey} aliases`);
}

/** A deleted alias is listed for a while. */
function ghostName({ accountId, region }: SimulatedCall, name: string): string {
  return `alias of ${accountId}/${region}/${name}`;
}

function aliasNotFound() {
  return kmsError('NotFoundException', 'There is no such alias in this account and Region');
}
