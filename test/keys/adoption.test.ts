import anyTest, { type TestFn } from 'ava';
import { adoptCloudKey } from '../../src/keys/cloud-keys.ts';
import { CKR, TokenError } from '../../src/token/faults.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { managementDeadline } from '../../src/vault/tokens.ts';
import { VaultError } from '../../src/vault/vault-error.ts';
import { Shim, type Rule } from '../../testing/shim.ts';
import { eventsOf, insertVault, newKeySet, openVault, type TestVault } from '../../testing/vault.ts';
import { inToken } from '../../testing/in-token.ts';

const test = anyTest as TestFn<TestVault>;
test.before(async (t) => {
  t.context = await openVault();
});
test.after.always(async (t) => t.context.dispose());

test.serial(
  'nothing is taken over from a token that another vault may use: it might be theirs',
  async (t) => {
    const { vaultContext, act, vault, store } = t.context;
    const keySet = await newKeySet(t.context);
    const adopt = async () =>
      adoptCloudKey(vaultContext, act(), vault.id, 'all', {
        keySetId: keySet.id,
        name: 'adopted',
        label: 'nowhere',
        externalKeyId: 'adopted',
      });
    const other = await insertVault(store, 'other');
    const refused = await t.throwsAsync(adopt(), { instanceOf: VaultError, message: /might be theirs/ });
    t.is(refused?.problem, 'forbidden');
    // Once the other vault may not use it any more, the token is asked.
    await store.db.updateTable('vaults').set({ tokens: '[]' }).where('id', '=', other.id).execute();
    const missing = await t.throwsAsync(adopt(), { instanceOf: VaultError });
    t.is(missing?.problem, 'invalid');
    t.is(
      missing?.message,
      'there is no AES key with the label "nowhere" in the slot of token token: the token has no AES key but Holdfast’s own',
    );
  },
);

test.serial('a label that was mistyped is told as such, with what there is', async (t) => {
  const { fixture } = t.context;
  const keySet = await newKeySet(t.context);
  const labels = ['mine', 'yours', 'x'.repeat(60), ...['3', '4', '5', '6'].map((end) => `more-${end}`)];
  await inToken(
    fixture,
    labels.map((label, at) => ({ do: 'generate', id: `e${at}`, label, wraps: true })),
  );
  const refused = await t.throwsAsync(adopt(t.context, keySet, 'mien'), { instanceOf: VaultError });
  t.is(refused?.problem, 'invalid');
  t.regex(
    refused?.message ?? '',
    /^there is no AES key with the label "mien" in the slot of token token: 7 AES keys/,
  );
  // In whatever order the token gives them.
  t.regex(refused?.message ?? '', /are not Holdfast’s own: ("[a-z0-9-]{1,48}"(, )?){5}, and 2 more$/);
  t.regex(refused?.remediation ?? '', /pkcs11-tool --list-objects/);
});

/** Adopts what has this label; `restrict` where it is to be made to fit. */
async function adopt(
  { vaultContext, act, vault }: TestVault,
  keySet: { id: string },
  label: string,
  input: { restrict?: boolean; name?: string } = {},
) {
  return adoptCloudKey(vaultContext, act(), vault.id, 'all', {
    keySetId: keySet.id,
    name: label,
    label,
    externalKeyId: label,
    ...input,
  });
}

const notRestricted = {
  CKA_SIGN: true,
  CKA_VERIFY: true,
  CKA_WRAP: true,
  CKA_UNWRAP: true,
  CKA_DERIVE: false,
};
const restricted = {
  ...{ CKA_SIGN: false, CKA_VERIFY: false, CKA_WRAP: false, CKA_UNWRAP: false, CKA_DERIVE: false },
  ...{ CKA_ENCRYPT: true, CKA_DECRYPT: true, CKA_SENSITIVE: true, CKA_EXTRACTABLE: false },
  ...{ CKA_LOCAL: true, CKA_ALWAYS_SENSITIVE: true, CKA_NEVER_EXTRACTABLE: true, CKA_MODIFIABLE: true },
};

/** What the token says of them to somebody else. */
async function attributesOfAll({ fixture }: TestVault, ids: readonly string[]) {
  const told = await inToken(
    fixture,
    ids.map((id) => ({ do: 'attributes', id })),
  );
  return told as Record<string, unknown>[];
}

async function attributesOf(open: TestVault, id: string): Promise<Record<string, unknown>> {
  return (await attributesOfAll(open, [id]))[0] ?? {};
}

test.serial(
  'a key of AWS’s sample Dockerfile is refused with the names of what would be taken from it, then taken over without them',
  async (t) => {
    const { fixture } = t.context;
    const keySet = await newKeySet(t.context);
    await inToken(fixture, [{ do: 'generate', id: '01', label: 'sample-key', wraps: true }]);
    const wraps = await t.throwsAsync(adopt(t.context, keySet, 'sample-key'), {
      instanceOf: VaultError,
      message: 'the key object is not compliant: CKA_WRAP, CKA_UNWRAP',
    });
    t.regex(
      wraps?.remediation ?? '',
      /^repeat it with --restrict .*: then CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP are set to false .* permanently/,
    );
    t.like(await attributesOf(t.context, '01'), notRestricted);
    t.deepEqual(await eventsOf(t.context, '01'), []);

    const key = await adopt(t.context, keySet, 'sample-key', { restrict: true });
    t.like(key, { external_key_id: 'sample-key', state: 'AVAILABLE', can_encrypt: 1, can_decrypt: 1 });
    t.like(await attributesOf(t.context, '01'), restricted);
    const events = await eventsOf(t.context, '01');
    t.deepEqual(
      events.map(({ action, outcome, target_name }) => [action, outcome, target_name]),
      [
        ['key-object.begin-restriction', 'done', 'sample-key'],
        ['key-object.restrict', 'done', 'sample-key'],
      ],
    );
    const taken = ['CKA_SIGN', 'CKA_VERIFY', 'CKA_WRAP', 'CKA_UNWRAP'];
    const [begun, done] = events;
    t.deepEqual(JSON.parse(begun?.after ?? ''), { token: 'token', setToFalse: taken });
    t.deepEqual(JSON.parse(done?.before ?? ''), Object.fromEntries(taken.map((name) => [name, true])));
    t.deepEqual(JSON.parse(done?.after ?? ''), {
      token: 'token',
      ...Object.fromEntries(taken.map((name) => [name, false])),
    });
  },
);

test.serial('what cannot be adopted afterwards is left as it is, and nothing is begun', async (t) => {
  const { fixture, vault, store } = t.context;
  const keySet = await newKeySet(t.context);
  await inToken(fixture, [
    { do: 'generate', id: '11', label: 'loose-key', extractable: true, wraps: true },
    { do: 'generate', id: '12', label: 'fixed-key', wraps: true, fixed: true },
    { do: 'generate', id: '13', label: 'twice-by-label', wraps: true },
    { do: 'generate', id: '14', label: 'twice-by-label', wraps: true },
    { do: 'generate', id: '15', label: 'twice-by-id', wraps: true },
    { do: 'generate', id: '15', label: 'twice-by-id, the other', wraps: true },
    { do: 'generate', id: '16', label: 'name-taken', wraps: true },
  ]);
  await inToken(fixture, [{ do: 'generate', id: '17', label: 'first-of-name' }]);
  await adopt(t.context, keySet, 'first-of-name');
  for (const restrict of [false, true]) {
    const input = { restrict };
    const loose = await t.throwsAsync(adopt(t.context, keySet, 'loose-key', input), {
      instanceOf: VaultError,
    });
    t.regex(
      loose?.remediation ?? '',
      /what CKA_SENSITIVE, CKA_EXTRACTABLE says cannot be undone: .* a copy of the key/,
    );
    const fixed = await t.throwsAsync(adopt(t.context, keySet, 'fixed-key', input), {
      instanceOf: VaultError,
    });
    t.regex(fixed?.remediation ?? '', /CKA_MODIFIABLE is false.*docs\/migration\.md/);
    const twice = await t.throwsAsync(adopt(t.context, keySet, 'twice-by-label', input), {
      instanceOf: VaultError,
      message: /^there are several AES keys with the label "twice-by-label"/,
    });
    t.is(twice?.problem, 'invalid');
  }
  await t.throwsAsync(adopt(t.context, keySet, 'name-taken', { restrict: true, name: 'first-of-name' }), {
    message: 'another CloudKey of the key set has this name',
  });
  await t.throwsAsync(adopt(t.context, keySet, 'twice-by-id', { restrict: true }), {
    message: /key-duplicate/,
  });
  for (const told of await attributesOfAll(t.context, ['11', '12', '13', '14', '15', '16']))
    t.like(told, { CKA_WRAP: true, CKA_UNWRAP: true });
  const events = await store.db
    .selectFrom('audit_events')
    .select(['target_id', 'action', 'outcome'])
    .where('vault_id', '=', vault.id)
    .where('action', 'like', 'key-object.%')
    .where('target_id', '<>', '01')
    .orderBy('sequence')
    .execute();
  // Its CKA_ID is looked at only when it is to be changed.
  t.deepEqual(events, [
    { target_id: '15', action: 'key-object.begin-restriction', outcome: 'done' },
    { target_id: '15', action: 'key-object.restrict', outcome: 'refused' },
  ]);
});

test.serial('the token host restricts only the one key that is meant, and none of ours', async (t) => {
  const { fixture, vaultContext } = t.context;
  await inToken(fixture, [
    { do: 'generate', id: '51', label: 'one', wraps: true },
    { do: 'generate', id: '52', label: 'other', wraps: true },
    { do: 'generate', id: '53', label: 'loose', extractable: true, wraps: true },
    { do: 'generate', id: '54', label: 'holdfast:key:like-ours', wraps: true },
    { do: 'generate', id: '55', label: 'two', wraps: true },
    { do: 'generate', id: '56', label: 'two', wraps: true },
    { do: 'generate', id: '57', label: 'fixed', wraps: true, fixed: true },
  ]);
  const restrict = async (id: string, label: string) =>
    vaultContext.tokens
      .pool('token')
      .call({ kind: 'restrictKey', key: Buffer.from(id, 'hex'), label }, managementDeadline());
  for (const [id, label, message] of [
    ['51', 'other', /key-unfit in C_FindObjects: its CKA_ID and its label are of two keys/],
    ['52', 'nowhere', /key-missing/],
    ['53', 'loose', /key-unfit .*: CKA_SENSITIVE, CKA_EXTRACTABLE would stay/],
    ['54', 'holdfast:key:like-ours', /key-unfit .*: keys of our own making/],
    [ownKeys.sealing.id.toString('hex'), 'one', /key-unfit in own key/],
    ['55', 'two', /key-duplicate/],
    ['57', 'fixed', /key-unfit .*: CKA_MODIFIABLE is false/],
  ] as const)
    await t.throwsAsync(restrict(id, label), { instanceOf: TokenError, message }, id);
  for (const told of await attributesOfAll(t.context, ['51', '52', '53', '54', '55', '56', '57']))
    t.like(told, { CKA_WRAP: true, CKA_UNWRAP: true });
  await restrict('51', 'one');
  // Repeated, as after an answer that was lost.
  await restrict('51', 'one');
  const [one, other] = await attributesOfAll(t.context, ['51', '52']);
  t.like(one, restricted);
  t.like(other, { CKA_WRAP: true });
});

test.serial(
  'a key that is fit is asked for nothing, and taken as it is unless it is to be restricted',
  async (t) => {
    const { fixture } = t.context;
    const keySet = await newKeySet(t.context);
    await inToken(fixture, [
      { do: 'generate', id: '21', label: 'fit-key' },
      { do: 'generate', id: '22', label: 'signing-key' },
      { do: 'generate', id: '23', label: 'fixed-signing-key', fixed: true },
    ]);
    await adopt(t.context, keySet, 'fit-key');
    t.like(await attributesOf(t.context, '21'), { CKA_SIGN: true, CKA_VERIFY: true });
    await adopt(t.context, keySet, 'signing-key', { restrict: true });
    t.like(await attributesOf(t.context, '22'), restricted);
    await t.throwsAsync(adopt(t.context, keySet, 'fixed-signing-key', { restrict: true }), {
      instanceOf: VaultError,
      message: 'the key object is not compliant: CKA_SIGN, CKA_VERIFY',
    });
  },
);

test.serial('a key from elsewhere keeps what says so of it, and that is told', async (t) => {
  const { fixture } = t.context;
  const keySet = await newKeySet(t.context);
  const value = Buffer.alloc(32, 7).toString('hex');
  await inToken(fixture, [{ do: 'plant', id: '31', label: 'planted-key', value, wraps: true }]);
  const refused = await t.throwsAsync(adopt(t.context, keySet, 'planted-key'), { instanceOf: VaultError });
  t.is(refused?.message, 'the key object is not compliant: CKA_WRAP, CKA_UNWRAP');
  t.regex(
    refused?.remediation ?? '',
    /CKA_LOCAL, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE stay as they are: the key was not made in this token$/,
  );
  await adopt(t.context, keySet, 'planted-key', { restrict: true });
  const birth = { CKA_LOCAL: false, CKA_ALWAYS_SENSITIVE: false, CKA_NEVER_EXTRACTABLE: false };
  t.like(await attributesOf(t.context, '31'), { ...restricted, ...birth });
});

test.serial(
  'the token’s refusal to restrict a key is told with its return value and is on record',
  async (t) => {
    const shim = await Shim.create();
    const open = await openVault(shim);
    try {
      const keySet = await newKeySet(open);
      await inToken(open.fixture, [{ do: 'generate', id: '41', label: 'sample-key', wraps: true }]);
      const refusals: [Rule, RegExp][] = [
        [
          { call: 'C_SetAttributeValue', rv: CKR.ATTRIBUTE_READ_ONLY },
          /C_SetAttributeValue said CKR_ATTRIBUTE_READ_ONLY$/,
        ],
        [{ call: 'C_SetAttributeValue', rv: 0x1b }, /C_SetAttributeValue said CKR_ACTION_PROHIBITED$/],
        [
          { call: 'C_SetAttributeValue', rv: CKR.OK },
          /CKR_OK, and still has CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP set to true$/,
        ],
      ];
      for (const [rule, message] of refusals) {
        await shim.set([rule]);
        const refused = await t.throwsAsync(adopt(open, keySet, 'sample-key', { restrict: true }), {
          instanceOf: VaultError,
          message,
        });
        t.is(refused?.problem, 'conflict');
        t.regex(refused?.remediation ?? '', /docs\/migration\.md/);
      }
      await shim.clear();
      t.like(await attributesOf(open, '41'), notRestricted);
      const events = await eventsOf(open, '41');
      t.deepEqual(
        events.map(({ action, outcome }) => `${action} ${outcome}`),
        refusals.flatMap(() => ['key-object.begin-restriction done', 'key-object.restrict refused']),
      );
      t.regex(events[1]?.after ?? '', /CKR_ATTRIBUTE_READ_ONLY/);
      // A session that was lost over it is no refusal: it is done again.
      await shim.set([
        { call: 'C_SetAttributeValue', rv: CKR.SESSION_HANDLE_INVALID, forward: true, times: 1 },
      ]);
      t.is((await adopt(open, keySet, 'sample-key', { restrict: true })).external_key_id, 'sample-key');
      t.like(await attributesOf(open, '41'), restricted);
    } finally {
      await open.dispose();
      await shim.dispose();
    }
  },
);
