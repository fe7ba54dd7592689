import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { nodeFlags } from '../../src/node-process.ts';
import { Secret } from '../../src/secret.ts';
import { createOpencryptokiToken, type TokenFixture } from '../../testing/tokens.ts';
import { inToken } from '../../testing/in-token.ts';
import { OpenPool } from './open-pool.ts';

const state = {} as { fixture: TokenFixture };

test.before(async () => {
  state.fixture = await createOpencryptokiToken();
});

test.after.always(async () => state.fixture.dispose());

test.serial(
  'opencryptoki 3.8 is refused at the start in words that name AES-GCM, and gets no key',
  async (t) => {
    const open = new OpenPool(state.fixture);
    t.teardown(async () => open.stop());
    open.startAll();
    const { problem, remediation, final } = await open.failure();
    t.is(problem, `token "${state.fixture.label}" has no AES-GCM (mechanism 0x1087)`);
    t.regex(remediation, /XKS needs AES-256-GCM in the token/);
    t.false(final);
    await open.stop();
  },
);

test.serial('opencryptoki: a wrong PIN is told as such and final', async (t) => {
  const open = new OpenPool(state.fixture, { pin: async () => new Secret('00000') });
  t.teardown(async () => open.stop());
  open.startAll();
  t.like(await open.failure(), { problem: 'the token refused the PIN (CKR_PIN_INCORRECT)', final: true });
  await open.stop();
});

test.serial('opencryptoki: keys are made, read back, found, inspected and destroyed', async (t) => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...nodeFlags, path.join(import.meta.dirname, 'keys-alone.ts'), JSON.stringify(state.fixture)],
    { env: { ...process.env, ...state.fixture.environment } },
  );
  const made = { compliant: true, generatedOnToken: true, violations: [] };
  t.deepEqual(JSON.parse(stdout), {
    'before it is made': false,
    made: { ...made, label: 'both', encrypt: true, decrypt: true },
    'encrypt only': { ...made, label: 'encrypt only', encrypt: true, decrypt: false },
    neither: { ...made, label: 'neither', encrypt: false, decrypt: false },
    inspected: { ...made, label: 'both', encrypt: true, decrypt: true },
    'found by label': { ...made, label: 'both', encrypt: true, decrypt: true },
    'made again': 'key-duplicate',
    'after all handles are forgotten': true,
    destroyed: 1,
    'destroyed again': 0,
    'after it is destroyed': 'key-missing',
  });
});

test.serial('opencryptoki itself says so of every attribute, and gives the value to nobody', async (t) => {
  const id = Buffer.from('neither').toString('hex');
  const told = await inToken(state.fixture, [{ do: 'attributes', id }]);
  t.deepEqual(told, [
    {
      CKA_TOKEN: true,
      CKA_PRIVATE: true,
      CKA_SENSITIVE: true,
      CKA_ALWAYS_SENSITIVE: true,
      CKA_EXTRACTABLE: false,
      CKA_NEVER_EXTRACTABLE: true,
      CKA_LOCAL: true,
      CKA_MODIFIABLE: false,
      CKA_ENCRYPT: false,
      CKA_DECRYPT: false,
      CKA_SIGN: false,
      CKA_VERIFY: false,
      CKA_WRAP: false,
      CKA_UNWRAP: false,
      CKA_DERIVE: false,
      CKA_VALUE: 'CKR_ATTRIBUTE_SENSITIVE',
    },
  ]);
});
