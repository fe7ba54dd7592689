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

/** One mailbox, without a name and without quoting: what every mail system takes. */
export function parseEmail(text: string): string {
  if (
    text.length > 254 ||
    !/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(text)
  )
    throw new VaultError('invalid', 'an e-mail address looks like name@example.com');
  return text;
}

/** A name of a person or thing as people write it. */
export function parsePlainName(text: string, what: string, longest = 100): string {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > longest || /[\p{Cc}\p{Cf}\u2028\u2029]/u.test(trimmed))
    throw new VaultError('invalid', `${what} has 1 to ${longest} printable characters`);
  return trimmed;
}
