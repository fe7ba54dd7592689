import { attempt } from '../cryptoki-error.ts';
import type { Cryptoki } from '../cryptoki.ts';
import { TokenError } from '../../faults.ts';
import type { KeyObjects } from './key-objects.ts';
import { neverAllowed } from './key-template.ts';
import type { FoundKey } from '../../messages.ts';
import { isLabelOfOwn } from '../../own-keys.ts';

/**
 * Takes from a key object of another's making what it may do and no CloudKey does: CKA_SIGN, CKA_VERIFY, CKA_WRAP,
 * CKA_UNWRAP, CKA_DERIVE go from true to false, and no attribute goes any other way. Done is what a session that has
 * logged in since is told by the token. Repeating it does no harm. Throws TokenError: `key-unfit` where the key is
 * another than meant, would not be fit after it, or is not as asked after it; CryptokiError with what the token said.
 */
export function restrictKey(cryptoki: Cryptoki, keys: KeyObjects, id: Uint8Array, label: string): void {
  if (isLabelOfOwn(label)) throw unfit('keys of our own making are as they are to be');
  const handle = keys.findNamed(id, label);
  const found = keys.readFound(handle);
  if (found.lasting.length > 0) throw unfit(`${found.lasting.join(', ')} would stay`);
  setToFalse(cryptoki, handle, found);
  // What this session is told may be what its module remembers.
  cryptoki.startAfresh();
  keys.forgetAll();
  const { excess } = keys.readFound(keys.findNamed(id, label));
  if (excess.length > 0)
    throw unfit(
      `the token said CKR_OK, and still has ${excess.join(', ')} set to true`,
      'C_SetAttributeValue',
    );
}

function setToFalse({ lib, session }: Cryptoki, handle: Buffer, { excess, modifiable }: FoundKey): void {
  if (excess.length === 0) return;
  if (!modifiable) throw unfit('CKA_MODIFIABLE is false');
  const attributes = neverAllowed
    .filter(({ name }) => excess.includes(name))
    .map(({ type }) => ({ type, value: false }));
  // In one call: a token that refuses one of them changes none (PKCS#11 v2.40, C_SetAttributeValue).
  attempt(
    'C_SetAttributeValue',
    () => lib.C_SetAttributeValue(session.handle, handle, attributes),
    `asked to set ${excess.join(', ')} to false`,
  );
}

function unfit(why: string, call = 'key restriction'): TokenError {
  return new TokenError('key-unfit', call, undefined, why);
}
