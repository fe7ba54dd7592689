import test from 'ava';
import pkcs11js from 'pkcs11js';
import { CKR } from '../../src/token/faults.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { encryptOf, OpenPool, throwsFault } from './open-pool.ts';
import { labelled } from '../support/key-identity.ts';

const state = {} as { fixture: TokenFixture; shim: Shim; open: OpenPool };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  const limits = { healthInterval: 600_000 };
  state.open = new OpenPool(state.fixture, { hosts: 2, shim: state.shim, limits });
  await state.open.startInTurn();
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.open.stop();
  await state.shim.dispose();
  await state.fixture.dispose();
});

const generate = (label: string) =>
  ({
    kind: 'generateKey',
    key: Buffer.from(label),
    binding: Buffer.alloc(0),
    label,
    encrypt: true,
    decrypt: true,
  }) as const;

async function generations(): Promise<number> {
  return (await state.shim.counts())['C_GenerateKey'] ?? 0;
}

for (const [name, rv] of [
  ['a sick token', CKR.GENERAL_ERROR],
  ['a lost session', CKR.SESSION_HANDLE_INVALID],
  ['a lost login', CKR.USER_NOT_LOGGED_IN],
] as const)
  test.serial(`a key whose making was answered by ${name} is not made a second time`, async (t) => {
    const request = generate(`lost answer ${rv}`);
    const before = await generations();
    await state.shim.set([{ call: 'C_GenerateKey', rv, forward: true }]);
    await throwsFault(t, 'session-lost', state.open.call(request));
    t.is(await generations(), before + 1);
    await state.shim.clear();
    t.deepEqual(
      await state.open.call({ kind: 'destroyKey', key: request.key, identity: labelled(request.label) }),
      { destroyed: 1 },
    );
  });

test.serial('a key that the device failed over is not made a second time on another host', async (t) => {
  const request = generate('device');
  const before = await generations();
  await state.shim.set([{ call: 'C_GenerateKey', rv: CKR.DEVICE_ERROR, forward: true }]);
  await throwsFault(t, 'device', state.open.call(request));
  t.is(await generations(), before + 1);
  await state.shim.clear();
  await state.open.allReady();
  t.deepEqual(
    await state.open.call({ kind: 'destroyKey', key: request.key, identity: labelled(request.label) }),
    { destroyed: 1 },
  );
});

test.serial('a search that fails before a key is made is repaired, and the key made once', async (t) => {
  const before = await generations();
  await state.shim.set([{ call: 'C_FindObjects', rv: CKR.GENERAL_ERROR, times: 1 }]);
  t.like(await state.open.call(generate('searched twice')), { compliant: true });
  t.is(await generations(), before + 1);
});

test.serial('where it cannot be told whether the id is free, no key is made', async (t) => {
  const before = await generations();
  await state.shim.set([{ call: 'C_FindObjectsInit', rv: CKR.GENERAL_ERROR }]);
  await throwsFault(t, 'session-lost', state.open.call(generate('not searched')));
  t.is(await generations(), before);
});

const lies: [name: string, lie: Rule['attributes']][] = [
  ['CKA_EXTRACTABLE', { [pkcs11js.CKA_EXTRACTABLE]: true }],
  ['CKA_SENSITIVE', { [pkcs11js.CKA_SENSITIVE]: false }],
  ['CKA_NEVER_EXTRACTABLE', { [pkcs11js.CKA_NEVER_EXTRACTABLE]: false }],
  ['CKA_ALWAYS_SENSITIVE', { [pkcs11js.CKA_ALWAYS_SENSITIVE]: false }],
  ['CKA_LOCAL', { [pkcs11js.CKA_LOCAL]: false }],
  ['CKA_PRIVATE', { [pkcs11js.CKA_PRIVATE]: false }],
  ['CKA_TOKEN', { [pkcs11js.CKA_TOKEN]: false }],
  ['CKA_WRAP', { [pkcs11js.CKA_WRAP]: true }],
  ['CKA_DERIVE', { [pkcs11js.CKA_DERIVE]: true }],
  ['CKA_DECRYPT', { [pkcs11js.CKA_DECRYPT]: false }],
  ['CKA_SENSITIVE, which it does not tell,', { [pkcs11js.CKA_SENSITIVE]: 'unavailable' }],
];
for (const [name, attributes] of lies)
  test.serial(`a new key whose ${name} is not as asked is destroyed again and refused`, async (t) => {
    const label = `unfit ${name}`;
    await state.shim.set([{ call: 'C_GetAttributeValue', attributes: attributes ?? {} }]);
    await throwsFault(t, 'key-unfit', state.open.call(generate(label)));
    await state.shim.clear();
    await throwsFault(t, 'key-missing', state.open.call({ kind: 'findKey', label }));
  });

test.serial('a new key that cannot be read back is destroyed again, and not told as unfit', async (t) => {
  await state.shim.set([{ call: 'C_GetAttributeValue', rv: CKR.DEVICE_ERROR }]);
  await throwsFault(t, 'internal', state.open.call(generate('not read')));
  await state.shim.clear();
  await throwsFault(t, 'key-missing', state.open.call({ kind: 'findKey', label: 'not read' }));
});

test.serial('a session that is lost while a key is inspected says nothing against the key', async (t) => {
  await state.open.call(generate('inspected'));
  const rule = { call: 'C_GetAttributeValue', rv: CKR.SESSION_HANDLE_INVALID, after: 1, times: 1 } as const;
  await state.shim.set([rule]);
  const attributes = await state.open.call({ kind: 'findKey', label: 'inspected' });
  t.like(attributes, { compliant: true, generatedOnToken: true, violations: [] });
});

test.serial('a search that gives two handles is refused as a duplicate', async (t) => {
  await state.open.call(generate('two handles'));
  await state.shim.set([{ call: 'C_FindObjects', duplicate: true }]);
  await throwsFault(t, 'key-duplicate', state.open.call({ kind: 'findKey', label: 'two handles' }));
});

test.serial('no host starts on own keys that are not as made', async (t) => {
  await state.shim.set([{ call: 'C_GetAttributeValue', attributes: { [pkcs11js.CKA_EXTRACTABLE]: true } }]);
  const open = new OpenPool(state.fixture, { shim: state.shim });
  t.teardown(async () => open.stop());
  open.startAll();
  const { problem } = await open.failure();
  t.is(problem, `key "${ownKeys.health.label}" is not as made: CKA_EXTRACTABLE`);
});

test.serial('no host starts on a token without own keys, and the way out is named', async (t) => {
  await state.shim.set([{ call: 'C_FindObjects', empty: true }]);
  const open = new OpenPool(state.fixture, { shim: state.shim, prepare: false });
  t.teardown(async () => open.stop());
  open.startAll();
  const { problem, remediation } = await open.failure();
  t.is(problem, `key "${ownKeys.health.label}" is not in token "${state.fixture.label}"`);
  t.is(remediation, 'run: holdfast init');
});

test.serial('nothing to encrypt is refused before the token is asked', async (t) => {
  await state.open.call(generate('empty'));
  // Hosts that take the place of those of earlier tests encrypt too, so calls are not counted: whoever asks waits.
  const barrier = await state.shim.barrier();
  await state.shim.set([{ call: 'C_EncryptInit', wait: barrier.path }]);
  await throwsFault(t, 'data-refused', state.open.call(encryptOf(Buffer.from('empty'), Buffer.alloc(0))));
  await barrier.lift();
});
