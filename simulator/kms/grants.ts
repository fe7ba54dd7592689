import { randomBytes } from 'node:crypto';
import type { SimulatedCall } from '../service.ts';
import { authorizeKey } from './access.ts';
import { kmsError, notDone, validation } from './errors.ts';
import { findKey } from './find-key.ts';
import { isPrincipal } from './grants-in-force.ts';
import { Input } from './input.ts';
import { refusePendingDeletion } from './key-state.ts';
import type { Kms } from './kms-house.ts';
import { page } from './pages.ts';
import type { Grant, KmsKey } from './records.ts';
import { recordKey, recordParameters } from './trail.ts';

/** Those of the KMS API that the simulator's keys can do. */
const grantable = new Set([
  'CreateGrant',
  'Decrypt',
  'DescribeKey',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
  'RetireGrant',
]);

export function createGrant(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const { key } = findKey(kms, call, keyId, { foreign: true });
  const operations = input.texts('Operations');
  recordKey(call, key, { keyId, operations, granteePrincipal: input.optionalText('GranteePrincipal') });
  authorizeKey(kms, call, 'kms:CreateGrant', key, {
    conditions: { 'kms:GrantOperations': operations, 'kms:GrantIsForAWSResource': 'false' },
  });
  if (key.state === 'Disabled') throw kmsError('DisabledException', `${key.arn} is disabled.`);
  refusePendingDeletion(key);
  if (operations.length === 0 || operations.some((operation) => !grantable.has(operation)))
    throw validation('Operations must name operations that can be granted for a symmetric key');
  if (input.has('GranteeServicePrincipal') || input.has('RetiringServicePrincipal'))
    throw notDone('grants for service principals');
  const constraints = input.object('Constraints');
  const [name, retiring] = [
    input.optionalText('Name', { max: 256 }),
    input.optionalText('RetiringPrincipal'),
  ];
  const grant: Grant = {
    id: randomBytes(32).toString('hex'),
    token: randomBytes(48).toString('base64url'),
    createdAt: kms.house.now().getTime(),
    grantee: principalOf(kms, input.text('GranteePrincipal')),
    issuingAccount: call.accountId,
    operations,
    ...(name === undefined ? {} : { name }),
    ...(retiring === undefined ? {} : { retiring: principalOf(kms, retiring) }),
    ...(constraints?.has('EncryptionContextSubset') === true
      ? { contextSubset: constraints.map('EncryptionContextSubset') }
      : {}),
    ...(constraints?.has('EncryptionContextEquals') === true
      ? { contextEquals: constraints.map('EncryptionContextEquals') }
      : {}),
  };
  key.grants.push(grant);
  kms.house.changed();
  return { GrantId: grant.id, GrantToken: grant.token };
}

export function listGrants(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const { key } = findKey(kms, call, keyId, { foreign: true });
  recordKey(call, key, { keyId });
  authorizeKey(kms, call, 'kms:ListGrants', key);
  const [id, grantee] = [input.optionalText('GrantId'), input.optionalText('GranteePrincipal')];
  const matching = key.grants.filter(
    (grant) => (id === undefined || grant.id === id) && (grantee === undefined || grant.grantee === grantee),
  );
  const { items, truncation } = page(input, matching, (grant) => grant.id, { standard: 50, max: 100 });
  return { Grants: items.map((grant) => describe(key, grant)), ...truncation };
}

export function revokeGrant(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const { key } = findKey(kms, call, keyId, { foreign: true });
  const grantId = input.text('GrantId');
  recordKey(call, key, { keyId, grantId });
  authorizeKey(kms, call, 'kms:RevokeGrant', key);
  remove(kms, key, grantOf(key, grantId));
}

/** By the retiring principal, whoever may by policy, or the grantee if the grant says RetireGrant; by token or by key and id. */
export function retireGrant(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const token = input.optionalText('GrantToken', { max: 8192 });
  recordParameters(call, { keyId: input.optionalText('KeyId'), grantId: input.optionalText('GrantId') });
  const { key, grant } =
    token === undefined
      ? byId(kms, call, input.text('KeyId'), input.text('GrantId'))
      : byToken(kms, call, token);
  recordKey(call, key);
  if (!isPrincipal(grant.retiring, call)) authorizeKey(kms, call, 'kms:RetireGrant', key);
  remove(kms, key, grant);
}

function byId(kms: Kms, call: SimulatedCall, keyId: string, grantId: string) {
  const { key } = findKey(kms, call, keyId, { foreign: true });
  return { key, grant: grantOf(key, grantId) };
}

function byToken(kms: Kms, call: SimulatedCall, token: string) {
  for (const key of kms.state.keys(call.region))
    for (const grant of key.grants) if (grant.token === token) return { key, grant };
  throw kmsError('InvalidGrantTokenException', 'There is no grant with this token');
}

function grantOf(key: KmsKey, grantId: string): Grant {
  const grant = key.grants.find(({ id }) => id === grantId);
  if (grant === undefined) throw kmsError('NotFoundException', 'The key has no grant with this id');
  return grant;
}

function remove(kms: Kms, key: KmsKey, grant: Grant): void {
  key.grants = key.grants.filter((other) => other !== grant);
  kms.house.changed();
}

function principalOf(kms: Kms, arn: string): string {
  if (!kms.house.accounts.exists(arn)) throw kmsError('InvalidArnException', 'The principal does not exist');
  return arn;
}

function describe(key: KmsKey, grant: Grant) {
  const { contextEquals, contextSubset } = grant;
  return {
    KeyId: key.arn,
    GrantId: grant.id,
    Name: grant.name ?? '',
    CreationDate: grant.createdAt / 1000,
    GranteePrincipal: grant.grantee,
    RetiringPrincipal: grant.retiring,
    IssuingAccount: `arn:${key.arn.split(':')[1]}:iam::${grant.issuingAccount}:root`,
    Operations: grant.operations,
    Constraints:
      (contextEquals ?? contextSubset) === undefined
        ? undefined
        : { EncryptionContextEquals: contextEquals, EncryptionContextSubset: contextSubset },
  };
}
