import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import anyTest, { type TestFn } from 'ava';
import { SeenVersion } from '../../src/store/act-transaction.ts';
import { IdempotencyConflictError } from '../../src/evidence/trail.ts';
import { TokenError } from '../../src/token/faults.ts';
import {
  consoleFile,
  consoleFileText,
  credentialState,
  getCredential,
  issueCredential,
  listCredentials,
  maxLiveCredentials,
  revealSecret,
  rotateCredential,
  updateCredential,
  withdrawCredential,
} from '../../src/keys/credentials/credentials.ts';
import { updateKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { eventsOf, fresh, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';

const test = anyTest as TestFn<TestVault>;

test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

const minute = 60_000;

async function sealedOf({ store }: TestVault, accessKeyId: string) {
  return store.db
    .selectFrom('xks_credentials')
    .selectAll()
    .where('access_key_id', '=', accessKeyId)
    .executeTakeFirstOrThrow();
}

test('credentials have the alphabet and lengths of the XKS spec, and differ', async (t) => {
  const { vaultContext, act } = t.context;
  const keySet = await newKeySet(t.context);
  const seen = new Set<string>();
  for (let i = 0; i < 5; i++) {
    const { accessKeyId, secret } = await issueCredential(vaultContext, act(), keySet);
    t.regex(accessKeyId, /^[A-Z2-7]{20,30}$/);
    t.regex(secret.reveal(), /^[A-Za-z0-9+/=]{43,64}$/);
    t.is(Buffer.from(secret.reveal(), 'base64').length, 32);
    seen.add(accessKeyId).add(secret.reveal());
  }
  t.is(seen.size, 10);
});

test('the console file has the names that AWS takes', async (t) => {
  const { vaultContext, act } = t.context;
  const keySet = await newKeySet(t.context, { pathPrefix: 'console' });
  const { accessKeyId, secret } = await issueCredential(vaultContext, act(), keySet);
  const file = consoleFile(keySet, accessKeyId, secret);
  t.deepEqual(file, {
    XksProxyUriPath: '/console/kms/xks/v1',
    XksProxyAuthenticationCredential: { AccessKeyId: accessKeyId, RawSecretAccessKey: secret.reveal() },
  });
  t.deepEqual(JSON.parse(consoleFileText(keySet, accessKeyId, secret)), file);
});

test('a secret at rest is only under the sealing key: no file of the store holds it, nor the audit trail', async (t) => {
  const { vaultContext, act, storePath } = t.context;
  const keySet = await newKeySet(t.context);
  const { accessKeyId, secret } = await issueCredential(vaultContext, act(), keySet);
  const { secret: next } = await rotateCredential(vaultContext, act(), keySet, { accessKeyId });
  for (const file of [storePath, `${storePath}-wal`]) {
    const bytes = await readFile(file);
    for (const one of [secret, next]) {
      t.false(bytes.includes(one.reveal()));
      t.false(bytes.includes(Buffer.from(one.reveal(), 'base64')));
    }
  }
});

test('a sealed secret moved to another record, or altered, does not open', async (t) => {
  const { vaultContext, act, tokens, vault } = t.context;
  const keySet = await newKeySet(t.context);
  const [one, other] = [
    await issueCredential(vaultContext, act(), keySet),
    await issueCredential(vaultContext, act(), keySet),
  ];
  const row = await sealedOf(t.context, other.accessKeyId);
  const identity = { vaultId: vault.id, keySetId: row.key_set_id, accessKeyId: row.access_key_id };
  const open = async (sealedSecret: Buffer, moved: Partial<typeof identity> = {}) =>
    revealSecret(tokens, { ...identity, ...moved, sealedSecret }, 'token', managementDeadline().deadline);
  t.is((await open(row.sealed_secret)).reveal(), other.secret.reveal());
  const altered = Buffer.from(row.sealed_secret);
  altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
  const moved = (await sealedOf(t.context, one.accessKeyId)).sealed_secret;
  for (const sealed of [moved, altered, Buffer.alloc(0), randomBytes(80)])
    t.is((await t.throwsAsync(open(sealed), { instanceOf: TokenError }))?.fault, 'seal-broken');
  const elsewhere = await newKeySet(t.context);
  for (const elsewhereOf of [
    { keySetId: elsewhere.id },
    { vaultId: randomUUID() },
    { accessKeyId: one.accessKeyId },
  ]) {
    const error = await t.throwsAsync(open(row.sealed_secret, elsewhereOf), { instanceOf: TokenError });
    t.is(error?.fault, 'seal-broken', Object.keys(elsewhereOf)[0]);
  }
});

test('a credential is issued, changed and withdrawn, each act on the record once', async (t) => {
  const { vaultContext, act } = t.context;
  const keySet = await newKeySet(t.context);
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  const expiresAt = new Date(Date.now() + 60 * minute);
  const changed = await updateCredential(
    vaultContext,
    act(),
    keySet,
    { accessKeyId, expected: new SeenVersion(1) },
    { expiresAt },
  );
  t.like(changed, { expires_at: expiresAt.toISOString(), row_version: 2 });
  t.deepEqual(await updateCredential(vaultContext, act(), keySet, { accessKeyId }, { expiresAt }), changed);
  const withdrawn = await withdrawCredential(vaultContext, act(), keySet, {
    accessKeyId,
    expected: new SeenVersion(2),
  });
  t.like(withdrawn, { withdrawn_why: 'WITHDRAWN', row_version: 3 });
  t.deepEqual(await withdrawCredential(vaultContext, act(), keySet, { accessKeyId }), withdrawn);
  t.is(credentialState(withdrawn, new Date()), 'WITHDRAWN');
  t.deepEqual(
    (await eventsOf(t.context, accessKeyId)).map(({ action }) => action),
    ['credential.issue', 'credential.update', 'credential.withdraw'],
  );
});

test('a withdrawn credential is not brought back, changed or rotated', async (t) => {
  const { vaultContext, act } = t.context;
  const keySet = await newKeySet(t.context);
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  await withdrawCredential(vaultContext, act(), keySet, { accessKeyId });
  const refused = { message: 'the credential is no longer live' };
  await t.throwsAsync(
    updateCredential(vaultContext, act(), keySet, { accessKeyId }, { expiresAt: null }),
    refused,
  );
  await t.throwsAsync(rotateCredential(vaultContext, act(), keySet, { accessKeyId }), refused);
});

test('the successor of a credential is issued while the old one lives on', async (t) => {
  const { vaultContext, act } = t.context;
  const keySet = await newKeySet(t.context);
  const old = await issueCredential(vaultContext, act(), keySet);
  const next = await rotateCredential(
    vaultContext,
    act(),
    keySet,
    { accessKeyId: old.accessKeyId, expected: new SeenVersion(1) },
    { retireAfterQuietMinutes: 30 },
  );
  t.not(next.secret.reveal(), old.secret.reveal());
  t.like(await getCredential(vaultContext, keySet, old.accessKeyId), {
    successor: next.accessKeyId,
    retire_after_minutes: 30,
    withdrawn_at: null,
    row_version: 2,
  });
  t.like(next.credential, { successor: null, retire_after_minutes: null, expires_at: null });
  await t.throwsAsync(rotateCredential(vaultContext, act(), keySet, { accessKeyId: old.accessKeyId }), {
    message: 'the credential already has a successor',
  });
  const [event, more] = await eventsOf(t.context, next.accessKeyId);
  t.is(event?.action, 'credential.rotate');
  t.true(event?.after?.includes(`"replaces":"${old.accessKeyId}"`));
  t.is(more, undefined);
});

test('a rotation that was refused leaves neither a successor nor a credential', async (t) => {
  const { vaultContext, act } = t.context;
  const keySet = await newKeySet(t.context);
  const { accessKeyId } = await issueCredential(vaultContext, act(), keySet);
  await t.throwsAsync(
    rotateCredential(vaultContext, act(), keySet, { accessKeyId, expected: new SeenVersion(7) }, {}),
    {
      message: /has been changed meanwhile/,
    },
  );
  const { items } = await listCredentials(vaultContext, keySet, { limit: 50 });
  t.deepEqual(
    items.map(({ successor }) => successor),
    [null],
  );
});

test('a key set has at most ten live credentials; expired and withdrawn ones do not count', async (t) => {
  const { vaultContext, act, store } = t.context;
  const keySet = await newKeySet(t.context);
  const issued = await Promise.allSettled(
    Array.from({ length: maxLiveCredentials + 3 }, async () => issueCredential(vaultContext, act(), keySet)),
  );
  const made = issued.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  t.is(made.length, maxLiveCredentials);
  const full = { message: 'the key set has 10 live credentials' };
  await t.throwsAsync(issueCredential(vaultContext, act(), keySet), full);
  const [one, other] = made;
  await t.throwsAsync(
    rotateCredential(vaultContext, act(), keySet, { accessKeyId: one?.accessKeyId ?? '' }),
    full,
  );
  await withdrawCredential(vaultContext, act(), keySet, { accessKeyId: one?.accessKeyId ?? '' });
  await t.notThrowsAsync(issueCredential(vaultContext, act(), keySet));
  await store.db
    .updateTable('xks_credentials')
    .set({ expires_at: new Date(Date.now() - 1).toISOString() })
    .where('access_key_id', '=', other?.accessKeyId ?? '')
    .execute();
  await t.notThrowsAsync(issueCredential(vaultContext, act(), keySet));
});

test.serial('from its expiry on a credential is EXPIRED, and stays so', async (t) => {
  const { vaultContext, act, clock } = t.context;
  t.teardown(() => {
    clock.ahead = 0;
  });
  const keySet = await newKeySet(t.context);
  const expiresAt = new Date(Date.now() + minute);
  const { accessKeyId, credential } = await issueCredential(vaultContext, act(), keySet, { expiresAt });
  t.is(credentialState(credential, new Date(expiresAt.getTime() - 1)), 'LIVE');
  t.is(credentialState(credential, expiresAt), 'EXPIRED');
  clock.ahead = 2 * minute;
  await t.throwsAsync(updateCredential(vaultContext, act(), keySet, { accessKeyId }, { expiresAt: null }), {
    message: 'the credential is no longer live',
  });
  await t.throwsAsync(issueCredential(vaultContext, act(), keySet, { expiresAt }), {
    message: 'expiresAt must lie in the future',
  });
});

test('quiet minutes are bounded', async (t) => {
  const { vaultContext, act } = t.context;
  const keySet = await newKeySet(t.context);
  for (const retireAfterQuietMinutes of [0, 1.5, 43_201])
    await t.throwsAsync(issueCredential(vaultContext, act(), keySet, { retireAfterQuietMinutes }), {
      message: 'quiet minutes are a whole number from 1 to 43200',
    });
});

test('a credential of another key set is not found', async (t) => {
  const { vaultContext, act } = t.context;
  const [one, other] = [await newKeySet(t.context), await newKeySet(t.context)];
  const { accessKeyId } = await issueCredential(vaultContext, act(), one);
  const hidden = { message: 'the key set has no such credential' };
  await t.throwsAsync(getCredential(vaultContext, other, accessKeyId), hidden);
  await t.throwsAsync(withdrawCredential(vaultContext, act(), other, { accessKeyId }), hidden);
  await t.throwsAsync(rotateCredential(vaultContext, act(), other, { accessKeyId }), hidden);
  t.deepEqual((await listCredentials(vaultContext, other, { limit: 50 })).items, []);
});

test('a secret sealed by one token is not kept when the key set moved to another meanwhile', async (t) => {
  const { vaultContext, act, vault, store } = t.context;
  const keySet = await newKeySet(t.context);
  await store.db.updateTable('key_sets').set({ token: 'other' }).where('id', '=', keySet.id).execute();
  await t.throwsAsync(issueCredential(vaultContext, act(), keySet), {
    message: 'the key set was given another token meanwhile',
  });
  await store.db.updateTable('key_sets').set({ token: 'token' }).where('id', '=', keySet.id).execute();
  await t.notThrowsAsync(
    updateKeySet(
      vaultContext,
      act(),
      { vaultId: vault.id, sight: 'all', id: keySet.id },
      { pathPrefix: fresh('moved') },
    ),
  );
});

test('an Idempotency-Key makes one credential', async (t) => {
  const { vaultContext, act } = t.context;
  const keySet = await newKeySet(t.context);
  await issueCredential(vaultContext, act({ idempotencyKey: 'credential' }), keySet);
  await t.throwsAsync(issueCredential(vaultContext, act({ idempotencyKey: 'credential' }), keySet), {
    instanceOf: IdempotencyConflictError,
  });
  t.is((await listCredentials(vaultContext, keySet, { limit: 50 })).items.length, 1);
});

test('a list tells when and from where each credential was last seen', async (t) => {
  const { vaultContext, act, store } = t.context;
  const keySet = await newKeySet(t.context);
  const [used, unused] = [
    await issueCredential(vaultContext, act(), keySet),
    await issueCredential(vaultContext, act(), keySet),
  ];
  const last_at = new Date().toISOString();
  await store.db
    .insertInto('uses')
    .values([
      { kind: 'credential', id: used.accessKeyId, count: 7, last_at, last_address: '198.51.100.4' },
      { kind: 'encrypt', id: unused.accessKeyId, count: 9, last_at, last_address: '198.51.100.5' },
    ])
    .execute();
  const { items } = await listCredentials(vaultContext, keySet, { limit: 50 });
  const of = (id: string) => items.find(({ access_key_id }) => access_key_id === id);
  t.like(of(used.accessKeyId), { requests: 7, last_seen_at: last_at, last_address: '198.51.100.4' });
  t.like(of(unused.accessKeyId), { requests: 0, last_seen_at: null, last_address: null });
  t.false(items.some((row) => 'sealed_secret' in row));
});
