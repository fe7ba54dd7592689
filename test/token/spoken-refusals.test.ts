import test from 'ava';
import pkcs11js from 'pkcs11js';
import { toProblem } from '../../src/admin/problem.ts';
import { CKR, ckrName, TokenError, tokenFaults } from '../../src/token/faults.ts';
import { tokenWords } from '../../src/token/remediations.ts';
import { Shim } from '../../testing/shim.ts';
import { createSoftHsmToken, type TokenFixture } from '../../testing/tokens.ts';
import { OpenPool } from './open-pool.ts';

const state = {} as { fixture: TokenFixture; shim: Shim; open: OpenPool };

test.before(async () => {
  [state.fixture, state.shim] = await Promise.all([createSoftHsmToken(), Shim.create()]);
  state.open = new OpenPool(state.fixture, { shim: state.shim, limits: { healthInterval: 600_000 } });
  await state.open.startInTurn();
});

test.afterEach.always(() => state.shim.clear());

test.after.always(async () => {
  await state.open.stop();
  await state.shim.dispose();
  await state.fixture.dispose();
});

let count = 0;

/** What the API says of a creation that fails. */
async function problemOfCreation(): Promise<{ detail: string; remediation: string }> {
  const failed = await state.open.makeKey(`key ${++count}`).then(
    () => undefined,
    (error: unknown) => error,
  );
  const { message, remediation = '' } = toProblem(failed);
  return { detail: message, remediation };
}

const attributes =
  /^the token refuses an attribute of the key .* \(keys\.omit of the profile, docs\/profiles\.md\)/;
const writing = /writes of the profile, docs\/profiles\.md/;

for (const [name, rv, remediation] of [
  ['CKR_ATTRIBUTE_TYPE_INVALID', CKR.ATTRIBUTE_TYPE_INVALID, attributes],
  ['CKR_ATTRIBUTE_VALUE_INVALID', CKR.ATTRIBUTE_VALUE_INVALID, attributes],
  ['CKR_TEMPLATE_INCOMPLETE', CKR.TEMPLATE_INCOMPLETE, attributes],
  ['CKR_TEMPLATE_INCONSISTENT', CKR.TEMPLATE_INCONSISTENT, attributes],
  ['CKR_MECHANISM_INVALID', CKR.MECHANISM_INVALID, /^the token does not have this mechanism, or its policy/],
  ['CKR_KEY_SIZE_RANGE', CKR.KEY_SIZE_RANGE, /^the token makes no AES key of 256 bits/],
  ['CKR_DEVICE_MEMORY', CKR.DEVICE_MEMORY, /^the HSM has no memory left/],
  ['CKR_TOKEN_WRITE_PROTECTED', CKR.TOKEN_WRITE_PROTECTED, writing],
  ['CKR_SESSION_READ_ONLY', CKR.SESSION_READ_ONLY, writing],
  ['CKR_GENERAL_ERROR', CKR.GENERAL_ERROR, writing],
  ['CKR_FUNCTION_FAILED', CKR.FUNCTION_FAILED, writing],
  ['CKR_USER_NOT_LOGGED_IN', CKR.USER_NOT_LOGGED_IN, /a role that may use keys and not make them$/],
  ['CKR_VENDOR_DEFINED + 0x386', 0x8000_0386, /^verify the connection to the token/],
] as const)
  test.serial(
    `a creation that fails with ${name} is told with it, and with a way out of its own`,
    async (t) => {
      await state.shim.set([{ call: 'C_GenerateKey', rv }]);
      const said = await problemOfCreation();
      t.true(said.detail.includes(`in C_GenerateKey (${name})`), said.detail);
      t.regex(said.remediation, remediation);
      // Of a template it is told what stood in it: PKCS#11 does not say which of it was refused.
      t.regex(said.detail, /: asked for CKA_CLASS, .*CKA_LABEL$/);
    },
  );

test.serial(
  'an attribute that comes out otherwise is named, and so is one that cannot be read',
  async (t) => {
    await state.shim.set([
      {
        call: 'C_GetAttributeValue',
        attributes: { [pkcs11js.CKA_SENSITIVE]: false, [pkcs11js.CKA_DERIVE]: true },
      },
    ]);
    const unfit = await problemOfCreation();
    t.regex(unfit.detail, /the key came out with other attributes: CKA_SENSITIVE, CKA_DERIVE/);
    t.regex(unfit.remediation, /keys\.not_told of the profile/);
    await state.shim.set([{ call: 'C_GetAttributeValue', rv: CKR.DEVICE_MEMORY }]);
    t.regex(
      (await problemOfCreation()).detail,
      /\(CKR_DEVICE_MEMORY\): the key cannot be read back: C_GetAttributeValue failed$/,
    );
  },
);

test.serial(
  'a key that came out unfit and cannot be destroyed again is told as left in the token',
  async (t) => {
    const stays = { call: 'C_DestroyObject', rv: CKR.DEVICE_MEMORY } as const;
    const left =
      /; the key object could not be destroyed again and stays in the token \(C_DestroyObject: CKR_DEVICE_MEMORY\)$/;
    await state.shim.set([
      { call: 'C_GetAttributeValue', attributes: { [pkcs11js.CKA_SENSITIVE]: false } },
      stays,
    ]);
    const unfit = await problemOfCreation();
    t.regex(unfit.detail, /the key came out with other attributes: CKA_SENSITIVE;/);
    t.regex(unfit.detail, left);
    await state.shim.set([{ call: 'C_GetAttributeValue', rv: CKR.DEVICE_MEMORY }, stays]);
    const unread = await problemOfCreation();
    t.regex(unread.detail, /the key cannot be read back: C_GetAttributeValue failed;/);
    t.regex(unread.detail, left);
  },
);

test('every fault has a way out, and what the module said is in its words', (t) => {
  for (const fault of tokenFaults) {
    const plain = tokenWords(new TokenError(fault, 'C_Encrypt'));
    t.is(plain.problem, `the token: ${fault} in C_Encrypt`);
    t.not(plain.remediation, '', fault);
  }
  // A limit on data is not taken for a broken connection.
  const limit = tokenWords(new TokenError('data-refused', 'C_Encrypt', CKR.DATA_LEN_RANGE));
  t.is(limit.problem, 'the token: data-refused in C_Encrypt (CKR_DATA_LEN_RANGE)');
  t.regex(limit.remediation, /limits\.plaintext_bytes of the profile/);
});

test('return values have the names of PKCS#11, those of a vendor their number', (t) => {
  t.is(ckrName(0x1b6), 'CKR_FIPS_SELF_TEST_FAILED');
  t.is(ckrName(0x121), 'CKR_RANDOM_NO_RNG');
  t.is(ckrName(0x030), 'CKR_DEVICE_ERROR');
  t.is(ckrName(0x8000_0001), 'CKR_VENDOR_DEFINED + 0x1');
  t.is(ckrName(0x7fff), 'CKR 0x00007fff');
});
