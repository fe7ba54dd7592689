import pkcs11js from 'pkcs11js';
import type { Profile } from '../config/profile.ts';
import { readAttributes } from './attribute-reading.ts';
import type { Cryptoki } from './cryptoki.ts';
import { attempt, CryptokiError } from './cryptoki-error.ts';
import { CKR, TokenError } from './faults.ts';
import { HandleLearning } from './handle-learning.ts';
import { KeyHandles } from './key-handles.ts';
import { findAesKeys } from './key-search.ts';
import type { KeyAttributes } from './messages.ts';

/** AES-256, bytes. */
const keyBytes = 32;

/** What is read of a key. */
const readBack = [
  pkcs11js.CKA_ID,
  pkcs11js.CKA_LABEL,
  pkcs11js.CKA_KEY_TYPE,
  pkcs11js.CKA_VALUE_LEN,
  pkcs11js.CKA_TOKEN,
  pkcs11js.CKA_PRIVATE,
  pkcs11js.CKA_SENSITIVE,
  pkcs11js.CKA_EXTRACTABLE,
  pkcs11js.CKA_WRAP,
  pkcs11js.CKA_UNWRAP,
  pkcs11js.CKA_DERIVE,
  pkcs11js.CKA_LOCAL,
  pkcs11js.CKA_ALWAYS_SENSITIVE,
  pkcs11js.CKA_NEVER_EXTRACTABLE,
  pkcs11js.CKA_ENCRYPT,
  pkcs11js.CKA_DECRYPT,
];

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

  constructor(cryptoki: Cryptoki, profile: Profile) {
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
  generate(id: Uint8Array, label: string, usage: { encrypt: boolean; decrypt: boolean }): KeyAttributes {
    if (this.has(id)) throw new TokenError('key-duplicate', 'C_GenerateKey');
    const { lib, session } = this.#cryptoki;
    const template: (pkcs11js.Attribute & { name: string })[] = [
      { name: 'CKA_CLASS', type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
      { name: 'CKA_KEY_TYPE', type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
      { name: 'CKA_VALUE_LEN', type: pkcs11js.CKA_VALUE_LEN, value: keyBytes },
      { name: 'CKA_TOKEN', type: pkcs11js.CKA_TOKEN, value: true },
      { name: 'CKA_PRIVATE', type: pkcs11js.CKA_PRIVATE, value: true },
      { name: 'CKA_SENSITIVE', type: pkcs11js.CKA_SENSITIVE, value: true },
      { name: 'CKA_EXTRACTABLE', type: pkcs11js.CKA_EXTRACTABLE, value: false },
      { name: 'CKA_MODIFIABLE', type: pkcs11js.CKA_MODIFIABLE, value: false },
      { name: 'CKA_ENCRYPT', type: pkcs11js.CKA_ENCRYPT, value: usage.encrypt },
      { name: 'CKA_DECRYPT', type: pkcs11js.CKA_DECRYPT, value: usage.decrypt },
      { name: 'CKA_SIGN', type: pkcs11js.CKA_SIGN, value: false },
      { name: 'CKA_VERIFY', type: pkcs11js.CKA_VERIFY, value: false },
      { name: 'CKA_WRAP', type: pkcs11js.CKA_WRAP, value: false },
      { name: 'CKA_UNWRAP', type: pkcs11js.CKA_UNWRAP, value: false },
      { name: 'CKA_DERIVE', type: pkcs11js.CKA_DERIVE, value: false },
      { name: 'CKA_ID', type: pkcs11js.CKA_ID, value: Buffer.from(id) },
      { name: 'CKA_LABEL', type: pkcs11js.CKA_LABEL, value: Buffer.from(label) },
    ];
    const asked = template.filter(({ name }) => !this.#omit.has(name));
    const stated = asked.map(({ type, value }) => ({ type, value }) as pkcs11js.Attribute);
    const handle = attempt(
      'C_GenerateKey',
      () =>
        lib.C_GenerateKey(
          session.handle,
          { mechanism: pkcs11js.CKM_AES_KEY_GEN, parameter: null } as unknown as pkcs11js.Mechanism,
          stated,
        ),
      `asked for ${asked.map(({ name }) => name).join(', ')}`,
    );
    const attributes = this.#readBack(handle);
    const wrong = notAsAsked(attributes, id, label, usage);
    if (wrong.length > 0) {
      this.#undo(handle);
      throw new TokenError(
        'key-unfit',
        'C_GenerateKey',
        undefined,
        `the key came out with other attributes: ${wrong.join(', ')}`,
      );
    }
    this.#handles.set(id, handle);
    return attributes;
  }

  /** A key for as long as the session is, in the token's memory only, to try the token with. Throws CryptokiError. */
  generateOfSession(name?: { id: Buffer; label: string }): Buffer {
    const { lib, session } = this.#cryptoki;
    const stated = [
      { name: 'CKA_CLASS', type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_SECRET_KEY },
      { name: 'CKA_KEY_TYPE', type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_AES },
      { name: 'CKA_VALUE_LEN', type: pkcs11js.CKA_VALUE_LEN, value: keyBytes },
      { name: 'CKA_TOKEN', type: pkcs11js.CKA_TOKEN, value: false },
      { name: 'CKA_SENSITIVE', type: pkcs11js.CKA_SENSITIVE, value: true },
      { name: 'CKA_EXTRACTABLE', type: pkcs11js.CKA_EXTRACTABLE, value: false },
      { name: 'CKA_ENCRYPT', type: pkcs11js.CKA_ENCRYPT, value: true },
      { name: 'CKA_DECRYPT', type: pkcs11js.CKA_DECRYPT, value: true },
      ...(name === undefined
        ? []
        : [
            { name: 'CKA_ID', type: pkcs11js.CKA_ID, value: name.id },
            { name: 'CKA_LABEL', type: pkcs11js.CKA_LABEL, value: Buffer.from(name.label) },
          ]),
    ]
      .filter(({ name }) => !this.#omit.has(name))
      .map(({ type, value }) => ({ type, value }));
    return attempt('C_GenerateKey', () =>
      lib.C_GenerateKey(
        session.handle,
        { mechanism: pkcs11js.CKM_AES_KEY_GEN, parameter: null } as unknown as pkcs11js.Mechanism,
        stated,
      ),
    );
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
      this.#undo(handle);
      // Never the call itself: a repair would make a second key.
      const [call, rv] =
        error instanceof CryptokiError ? [error.call, error.rv] : ['C_GetAttributeValue', undefined];
      throw new TokenError('internal', 'C_GenerateKey', rv, `the key cannot be read back: ${call} failed`);
    }
  }

  /** Destroys a key that was made just now and is told to nobody. */
  undo(id: Uint8Array): void {
    const handle = this.#handles.get(id);
    this.forget(id);
    if (handle !== undefined) this.#undo(handle);
  }

  /** Where the token does not even destroy it, the key stays behind unused: nobody was told of it. */
  #undo(handle: Buffer): void {
    const { lib, session } = this.#cryptoki;
    try {
      lib.C_DestroyObject(session.handle, handle);
    } catch {
      // The fault that led here is what the caller is told.
    }
  }

  inspect(id: Uint8Array): KeyAttributes {
    return this.read(this.find(id));
  }

  findByLabel(label: string): KeyAttributes {
    return this.read(this.#findOne({ label }));
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

  /** What the token tells of the key behind a handle. */
  read(handle: Buffer): KeyAttributes {
    const told = readAttributes(this.#cryptoki, handle, readBack);
    const read = (type: number) => told.get(type);
    const is = (type: number): boolean | undefined => {
      const value = read(type);
      return value === undefined || value.length === 0 ? undefined : value[0] !== 0;
    };
    const wanted: [name: string, actual: unknown, expected: unknown][] = [
      ['CKA_KEY_TYPE', readNumber(read(pkcs11js.CKA_KEY_TYPE)), pkcs11js.CKK_AES],
      ['CKA_VALUE_LEN', readNumber(read(pkcs11js.CKA_VALUE_LEN)), keyBytes],
      ['CKA_TOKEN', is(pkcs11js.CKA_TOKEN), true],
      ['CKA_PRIVATE', is(pkcs11js.CKA_PRIVATE), true],
      ['CKA_SENSITIVE', is(pkcs11js.CKA_SENSITIVE), true],
      ['CKA_EXTRACTABLE', is(pkcs11js.CKA_EXTRACTABLE), false],
      ['CKA_WRAP', is(pkcs11js.CKA_WRAP) ?? false, false],
      ['CKA_UNWRAP', is(pkcs11js.CKA_UNWRAP) ?? false, false],
      ['CKA_DERIVE', is(pkcs11js.CKA_DERIVE) ?? false, false],
    ];
    const born: typeof wanted = [
      ['CKA_LOCAL', is(pkcs11js.CKA_LOCAL), true],
      ['CKA_ALWAYS_SENSITIVE', is(pkcs11js.CKA_ALWAYS_SENSITIVE), true],
      ['CKA_NEVER_EXTRACTABLE', is(pkcs11js.CKA_NEVER_EXTRACTABLE), true],
    ];
    const wrong = (list: typeof wanted) =>
      list
        .filter(([name, actual, expected]) => actual !== expected && !this.#notTold.has(name))
        .map(([name]) => name);
    return {
      ...nameIn(told),
      encrypt: is(pkcs11js.CKA_ENCRYPT) === true,
      decrypt: is(pkcs11js.CKA_DECRYPT) === true,
      fit: wrong(wanted).length === 0,
      bornInToken: wrong(born).length === 0,
      complaints: [...wrong(wanted), ...wrong(born)],
    };
  }
}

/** Names of the attributes of a new key that are not as they were asked for; a label may have been cut silently. */
function notAsAsked(
  made: KeyAttributes,
  id: Uint8Array,
  label: string,
  usage: { encrypt: boolean; decrypt: boolean },
): string[] {
  return [
    ...made.complaints,
    ...(Buffer.from(id).equals(made.id) ? [] : ['CKA_ID']),
    ...(made.label === label ? [] : ['CKA_LABEL']),
    ...(made.encrypt === usage.encrypt ? [] : ['CKA_ENCRYPT']),
    ...(made.decrypt === usage.decrypt ? [] : ['CKA_DECRYPT']),
  ];
}

function nameIn(told: ReadonlyMap<number, Buffer>): { id: Buffer; label: string } {
  const [id, label] = [told.get(pkcs11js.CKA_ID), told.get(pkcs11js.CKA_LABEL)];
  return { id: id ?? Buffer.alloc(0), label: (label ?? Buffer.alloc(0)).toString('utf8') };
}

/** CK_ULONG as the machine stores it. */
function readNumber(value: Buffer | undefined): number | undefined {
  if (value?.length === 8) return Number(value.readBigUInt64LE());
  return value?.length === 4 ? value.readUInt32LE() : undefined;
}
