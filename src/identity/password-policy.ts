import type { Secret } from '../secret.ts';
import { VaultError } from '../vault/vault-error.ts';
import { withoutWalks } from './keyboard-walks.ts';

/** A password that somebody else has chosen, and that came by mail or on paper, is good for so long. */
export const firstPasswordDays = 7;

/*
 * After NIST SP 800-63B-4, 3.1.1.2: length is what counts, every character is allowed, no rules on composition, no
 * periodic change, and a list of what is guessed first. 15 characters also where a second factor would allow 8.
 */
export const passwordLength = { min: 15, max: 128 } as const;
const { min: shortest, max } = passwordLength;

/**
 * So many characters must be left once what is guessed first is taken out. (Not an estimator such as zxcvbn-ts: it
 * takes seconds of the event loop for a long password, and "correct horse battery staple" for a very good one.)
 */
const minUnguessable = 8;

/** Parts of passwords that everyone tries, folded by {@link fold}. */
const guessedFirst = [
  'correcthorsebatterystaple',
  'thequickbrownfox',
  'administrator',
  'qwertzuiop',
  'qwertyuiop',
  'trustno1',
  'asdfghjkl',
  'yxcvbnm',
  'zxcvbnm',
  'password',
  'passphrase',
  'passwort',
  'passwd',
  'changeme',
  'iloveyou',
  'holdfast',
  'welcome',
  'letmein',
  'sunshine',
  'princess',
  'football',
  'baseball',
  'keycontrol',
  'default',
  'secret',
  'dragon',
  'monkey',
  'master',
  'qwerty',
  'qwertz',
  'azerty',
  'asdfgh',
  'admin',
  'login',
  'vault',
  'abc123',
].map(fold);

/**
 * What the hash is made of: the same password typed on another keyboard or system has other code points
 * (SP 800-63B-4, 3.1.1.2: NFKC or NFKD before hashing).
 */
export function normalPassword(text: string): string {
  return text.normalize('NFKC');
}

/** Whether a text is too long to be any password: nothing that long is hashed. */
export function isBeyondPasswords(text: string): boolean {
  return text.length > max * 8 || Array.from(normalPassword(text)).length > max;
}

/**
 * Refuses a new password that is too short or among the first that someone would guess. `names` are the user's and the
 * vault's. Throws VaultError `invalid`.
 */
export function checkNewPassword(password: Secret, names: readonly string[]): void {
  const text = normalPassword(password.reveal());
  const { length } = Array.from(text);
  if (length < shortest || isBeyondPasswords(text))
    throw new VaultError(
      'invalid',
      `a password has ${shortest} to ${max} characters`,
      'several words in a row work well; every character is allowed, spaces too',
    );
  const folded = fold(text);
  // Names of three or four letters are in many a random password by chance: they count where little is left without.
  const leans = (name: string) =>
    name.length > 4 || (name.length > 2 && Array.from(folded.replaceAll(name, '')).length < shortest);
  if (names.map(fold).some((name) => leans(name) && folded.includes(name)))
    throw new VaultError('invalid', 'a password must not contain the name of the user or of the vault');
  if (isRepetition(text.toLowerCase()))
    throw new VaultError('invalid', 'a password must not be the same few characters over and over');
  // What stands between words makes them no harder to guess.
  let rest = fold(withoutWalks(withoutRuns(text.toLowerCase()))).replaceAll(/[\s_.,;:'"+/-]/g, '');
  for (const word of guessedFirst) rest = rest.replaceAll(word, '');
  if (Array.from(rest).length < minUnguessable)
    throw new VaultError(
      'invalid',
      'the password is made of what is guessed first: common words, the keyboard’s rows, letters or digits in order',
      'take several words that have nothing to do with each other',
    );
}

/** Letters alike in either case and without accents, and the digits and signs that stand in for letters as letters. */
function fold(text: string): string {
  const standIns: Record<string, string> = {
    0: 'o',
    1: 'i',
    3: 'e',
    4: 'a',
    5: 's',
    7: 't',
    '@': 'a',
    $: 's',
    '!': 'i',
  };
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[013457@$!]/g, (sign) => standIns[sign] ?? sign);
}

/** One unit over and over, the last one perhaps cut off; or fewer than five different characters. */
function isRepetition(text: string): boolean {
  const characters = Array.from(text);
  if (new Set(characters).size < 5) return true;
  for (let unit = 1; unit <= characters.length / 2; unit++)
    if (characters.every((character, index) => character === characters[index % unit])) return true;
  return false;
}

/** Without runs of four or more characters that stay, rise or fall by one. */
function withoutRuns(text: string): string {
  const characters = Array.from(text);
  const codes = characters.map((character) => character.codePointAt(0) ?? 0);
  let rest = '';
  for (let start = 0; start < codes.length;) {
    const step = (codes[start + 1] ?? Number.NaN) - (codes[start] ?? Number.NaN);
    let end = start + 1;
    while (Math.abs(step) <= 1 && (codes[end] ?? Number.NaN) - (codes[end - 1] ?? Number.NaN) === step)
      end += 1;
    if (end - start < 4) {
      rest += characters[start] ?? '';
      start += 1;
    } else start = end;
  }
  return rest;
}
