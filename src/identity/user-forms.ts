import { domainToASCII } from 'node:url';
import { NameError, parseReadableName } from '../vault/names.ts';
import { VaultError } from '../vault/vault-error.ts';

/** What may be a username: what is easy to type, to read in a log and to put into a path. */
export function parseUsername(text: string): string {
  if (!/^[A-Za-z0-9._@-]{1,64}$/.test(text))
    throw new VaultError(
      'invalid',
      'a username has 1 to 64 characters of A-Z, a-z, 0-9, ".", "_", "@" and "-"',
    );
  return text;
}

/** The form in which usernames are compared. */
export function usernameKey(username: string): string {
  return username.toLowerCase();
}

/**
 * One mailbox, without a name and without quoting: what every mail system takes, or with letters of other scripts before
 * the @ what those take that have SMTPUTF8 (RFC 6531). The domain is kept as DNS has it (`xn--`, RFC 5891), the rest in
 * NFC, so that an address has one form. Throws VaultError `invalid`.
 */
export function parseEmail(text: string): string {
  const [local = '', domain = '', ...rest] = text.normalize('NFC').split('@');
  // Of a label that is no name in any script it makes ''; it would take escapes and other addresses than names, too.
  const host = /^[\p{L}\p{M}\p{N}.-]+$/u.test(domain) ? domainToASCII(domain) : '';
  const address = `${local}@${host}`;
  if (
    rest.length > 0 ||
    Buffer.byteLength(local) > 64 ||
    Buffer.byteLength(address) > 254 ||
    !/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\p{L}\p{M}\p{N}-]+$/u.test(local) ||
    /^\p{M}|\p{Default_Ignorable_Code_Point}/u.test(local) ||
    !/^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/.test(host)
  )
    throw new VaultError('invalid', 'an email address must look like name@example.com');
  return address;
}

/** The form in which e-mail addresses are compared: without regard to the case of A to Z, as SQL's `lower` has it. */
export function emailKey(email: string): string {
  return email.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** A name of a person or thing as people write it. Throws VaultError `invalid`. */
export function parsePlainName(text: string, what: string, max = 100): string {
  try {
    return parseReadableName(text.replaceAll(/^ +| +$/g, ''), what, max);
  } catch (error) {
    throw error instanceof NameError ? new VaultError('invalid', error.message) : error;
  }
}
