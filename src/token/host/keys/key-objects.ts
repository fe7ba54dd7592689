import pkcs11js from 'pkcs11js';
import type { Profile } from '../../../config/profile.ts';
import { readAttributes } from '../attribute-reading.ts';
import type { Cryptoki } from '../cryptoki.ts';
import { attempt, CryptokiError } from '../cryptoki-error.ts';
import { CKR, ckrName, TokenError } from '../../faults.ts';
import { HandleLearning } from './handle-learning.ts';
import { KeyHandles } from './key-handles.ts';
import { judge, judgeFound, nameIn, readBack, readOfFound } from './key-reading.ts';
import { findAesKeys } from './key-search.ts';
import { aesKeyGeneration, keyTemplate, sessionKeyTemplate, type KeyUsage } from './key-template.ts';
import type { FoundKey, KeyAttributes } from '../../messages.ts';

/** The AES keys of one token: made, found, inspected, destroyed. Handles stay in here. */
export class KeyObjects {
  readonly #cryptoki: Cryptoki;
  readonly #omit: ReadonlySet<string>;
  readonly #notTold: ReadonlySet<string>;
  /** SoftHSM's C_FindObjects is a linear scan with a file lock an object: look once. */
  readonly #handles = new KeyHandles();
  /** So often everything was forgotten: handles hold for as long as this stays the same. */
  #logins = 0;
  /** Learns handles ahead of their use. */
  readonly learning: HandleLearning;

  constructor(cryptoki: Cryptoki, profile: Pick<Profile, 'keys'>) {
    this.#cryptoki = cryptoki;
    this.learning = new HandleLearning(cryptoki, this.#handles);
    this.#omit = new Set(profile.keys.omit);
    this.#notTold = new Set(profile.keys.not_told);
  }

  /** Told of each CKA_ID whose handle is learned: what was known of the old one says nothing about it. */
  onLearned(tell: (id: Uint8Array) => void): void {
    this.#handles.onLearned.push(tell);
  }

  /** The handle of the key with this CKA_ID, where it is remembered. */
  handleOf(id: Uint8Array): Buffer | undefined {
    return this.#handles.get(id);
  }

  get logins(): number {
    return this.#logins;
  }

  /** How many keys' handles are known. */
  get known(): number {
    return this.#handles.size;
  }

  /**
   * The handle of the key with this CKA_ID. Until `deadline` it is learned with others, where a search for it alone would
   * take long. Throws TokenError `key-missing`, `key-duplicate` or `timeout`, or CryptokiError.
   */
  find(id: Uint8Array, deadline?: number): Buffer {
    const known = this.#handles.get(id);
    if (known !== undefined) return known;
    if (deadline !== undefined && this.learning.isSlow && !this.#handles.isFull)
      return this.learning.seek(id, deadline) ?? this.#missing();
    const handle = this.#findOne({ id: Buffer.from(id) });
    this.#handles.set(id, handle);
    return handle;
  }

  has(id: Uint8Array): boolean {
    try {
      this.find(id);
      return true;
    } catch (error) {
      if (error instanceof TokenError && error.fault === 'key-missing') return false;
      throw error;
    }
  }

  forget(id: Uint8Array): void {
    this.#handles.delete(id);
  }

  forgetAll(): void {
    this.#logins++;
    this.#handles.clear();
    this.learning.restart();
  }

  /**
   * Makes an AES-256 key in the token, every attribute stated, and reads it back. A key that is not as asked is
   * destroyed again and refused (promise 1).
   */
  generate(id: Uint8Array, label: string, usage: KeyUsage): KeyAttributes {
    if (this.has(id)) throw new TokenError('key-duplicate', 'C_GenerateKey');
    const handle = this.generateAsIs(id, label, usage);
    const attributes = this.#readBack(handle);
    const wrong = notAsAsked(attributes, id, label, usage);
    if (wrong.length > 0) {
      const left = this.#undo(handle);
      throw new TokenError(
        'key-unfit',
        'C_GenerateKey',
        undefined,
        `the key came out with other attributes: ${wrong.join(', ')}${left}`,
      );
    }
    this.#handles.set(id, handle);
    return attributes;
  }

  /** The same, and whatever comes out is kept: gives its handle. Throws CryptokiError. */
  generateAsIs(id: Uint8Array, label: string, usage: KeyUsage): Buffer {
    const { lib, session } = this.#cryptoki;
    const template = keyTemplate(id, label, usage);
    const asked = template.filter(({ name }) => !this.#omit.has(name));
    const stated = asked.map(({ type, value }) => ({ type, value }) as pkcs11js.Attribute);
    return attempt(
      'C_GenerateKey',
      () => lib.C_GenerateKey(session.handle, aesKeyGeneration, stated),
      `asked for ${asked.map(({ name }) => name).join(', ')}`,
    );
  }

  /** A key for as long as the session is, in the token's memory only, to try the token with. Throws CryptokiError. */
  generateOfSession(name?: { id: Buffer; label: string }): Buffer {
    const { lib, session } = this.#cryptoki;
    const stated = sessionKeyTemplate(name)
      .filter((attribute) => !this.#omit.has(attribute.name))
      .map(({ type, value }) => ({ type, value }) as pkcs11js.Attribute);
    return attempt('C_GenerateKey', () => lib.C_GenerateKey(session.handle, aesKeyGeneration, stated));
  }

  /** What a key that is made with this id and label is called then; it is destroyed again. Throws CryptokiError. */
  tryNames(id: Buffer, label: string): { id: Buffer; label: string } {
    const handle = this.generateOfSession({ id, label });
    try {
      return this.nameOf(handle);
    } finally {
      this.#undo(handle);
    }
  }

  /** Of a key that was made just now: one that cannot be read back is destroyed again. Throws TokenError. */
  #readBack(handle: Buffer): KeyAttributes {
    try {
      return this.read(handle);
    } catch (error) {
      const left = this.#undo(handle);
      // Never the call itself: a repair would make a second key.
      const [call, rv] =
        error instanceof CryptokiError ? [error.call, error.rv] : ['C_GetAttributeValue', undefined];
      const detail = `the key cannot be read back: ${call} failed${left}`;
      throw new TokenError('internal', 'C_GenerateKey', rv, detail);
    }
  }

  /** Destroys a key that was made just now and is told to nobody. Gives words for one that stays, else none. */
  undo(id: Uint8Array): string {
    const handle = this.#handles.get(id);
    this.forget(id);
    return handle === undefined ? '' : this.#undo(handle);
  }

  /** The fault that led here is what the caller is told; where the token does not even destroy the key, that besides. */
  #undo(handle: Buffer): string {
    try {
      this.#cryptoki.destroyObject(handle);
      return '';
    } catch (error) {
      const rv = error instanceof CryptokiError ? error.rv : undefined;
      const name = rv === undefined ? '' : `: ${ckrName(rv)}`;
      return `; the key object could not be destroyed again and stays in the token (C_DestroyObject${name})`;
    }
  }

  inspect(id: Uint8Array): KeyAttributes {
    return this.read(this.find(id));
  }

  findByLabel(label: string): FoundKey {
    return this.readFound(this.#findOne({ label }));
  }

  /** The handle of the only key with this CKA_ID, which is the only one with this label too; looked for anew. */
  findNamed(id: Uint8Array, label: string): Buffer {
    const [handle] = [{ label }, { id: Buffer.from(id) }].map((by) => {
      const found = this.#findOne(by);
      const name = this.nameOf(found);
      if (name.label !== label || !name.id.equals(id))
        throw new TokenError(
          'key-unfit',
          'C_FindObjects',
          undefined,
          'its CKA_ID and its label are of two keys',
        );
      return found;
    });
    return handle ?? this.#missing();
  }

  /** Handles of all AES keys with this CKA_ID, looked for anew; throws CryptokiError where there is no login to see them. */
  search(id: Uint8Array): Buffer[] {
    const handles = findAesKeys(this.#cryptoki, { id: Buffer.from(id) });
    if (handles.length === 0) this.#assertLoggedIn();
    return handles;
  }

  /** Asks for two and refuses both: which of them encrypted the data cannot be told. */
  #findOne(by: { id: Buffer } | { label: string }): Buffer {
    const handles = this.learning.timed(() => findAesKeys(this.#cryptoki, by, 2));
    const [handle, second] = handles;
    if (handle === undefined) return this.#missing();
    if (second !== undefined) throw new TokenError('key-duplicate', 'C_FindObjects');
    return handle;
  }

  #missing(): never {
    // Private objects are hidden from a session that is not logged in: no verdict on the key.
    if (this.#cryptoki.loginLost) throw new CryptokiError('C_FindObjects', CKR.USER_NOT_LOGGED_IN, undefined);
    throw new TokenError('key-missing', 'C_FindObjects');
  }

  /** Whether the token has any AES key, looked for anew. Throws CryptokiError. */
  get any(): boolean {
    const [first] = findAesKeys(this.#cryptoki, {}, 1);
    if (first === undefined) this.#assertLoggedIn();
    return first !== undefined;
  }

  /** Handles of all AES keys of the token, looked for anew. */
  all(): Buffer[] {
    const handles = findAesKeys(this.#cryptoki);
    this.#assertLoggedIn();
    return handles;
  }

  /** Private objects are hidden, one and all, from a session that is not logged in: what it finds is no verdict. */
  #assertLoggedIn(): void {
    if (this.#cryptoki.loginLost) throw new CryptokiError('C_FindObjects', CKR.USER_NOT_LOGGED_IN, undefined);
  }

  /** CKA_ID and CKA_LABEL of the key behind a handle, empty where it has none. */
  nameOf(handle: Buffer): { id: Buffer; label: string } {
    const told = readAttributes(this.#cryptoki, handle, [pkcs11js.CKA_ID, pkcs11js.CKA_LABEL]);
    return nameIn(told);
  }

  /** What the token tells of the key behind a handle, of another's making. */
  readFound(handle: Buffer): FoundKey {
    return judgeFound(readAttributes(this.#cryptoki, handle, readOfFound), this.#notTold);
  }

  /** What the token tells of the key behind a handle. */
  read(handle: Buffer): KeyAttributes {
    return judge(readAttributes(this.#cryptoki, handle, readBack), this.#notTold);
  }
}

/** Names of the attributes of a new key that are not as they were asked for; a label may have been cut silently. */
function notAsAsked(made: KeyAttributes, id: Uint8Array, label: string, usage: KeyUsage): string[] {
  return [
    ...made.violations,
    ...(Buffer.from(id).equals(made.id) ? [] : ['CKA_ID']),
    ...(made.label === label ? [] : ['CKA_LABEL']),
    ...(made.encrypt === usage.encrypt ? [] : ['CKA_ENCRYPT']),
    ...(made.decrypt === usage.decrypt ? [] : ['CKA_DECRYPT']),
  ];
}
