import pkcs11js from 'pkcs11js';
import type { Profile } from '../../config/profile.ts';
import { monotonicNow } from '../../clock.ts';
import { readAttributes } from '../host/attribute-reading.ts';
import { CryptokiError, watchCalls } from '../host/cryptoki-error.ts';
import type { Cryptoki } from '../host/cryptoki.ts';
import { ckrName } from '../faults.ts';
import { Gcm } from '../host/gcm.ts';
import { KeyDestruction } from '../host/keys/key-destruction.ts';
import { encodeKeyIdentity } from '../key-identity.ts';
import { KeyObjects } from '../host/keys/key-objects.ts';
import { readBack, readingsOf } from '../host/keys/key-reading.ts';
import { findAesKeys } from '../host/keys/key-search.ts';
import { mechanismName } from '../host/progress.ts';
import { proveIvMode, proveTag } from '../host/self-test.ts';
import {
  metadataBytes,
  proveData,
  proveNames,
  triedNames,
  whyNot,
  whyNotNamed,
  xksAadBytes,
} from '../host/serving-sizes.ts';
import { startFailure } from '../host/start-failure.ts';
import {
  idStartBytes,
  longLabel,
  probeId,
  probeLabel,
  probeNames,
  probeOf,
  shortIdBytes,
} from './probe-names.ts';
import type { CleanUp, Made, MechanismWords, ProbeQuestions } from './questions.ts';
import { max, spread, trialOf } from './trials.ts';

/** A version of a CloudKey can do both. */
const bothUses = { encrypt: true, decrypt: true };

/** Every attribute is told as it is, and nothing is held against the key. */
const allNotTold = readingsOf(new Map()).map(({ name }) => name);

/** How often something is measured at the most. */
const measured = { operations: 200, keys: 10 };

type Answers = {
  [Name in Exclude<keyof ProbeQuestions, 'open'>]: (
    input: ProbeQuestions[Name]['input'],
  ) => ProbeQuestions[Name]['answer'];
};

/** What the probe asks of an open token. Each answer throws StartError, CryptokiError or TokenError. */
export class ProbedToken implements Answers {
  readonly #cryptoki: Cryptoki;

  constructor(cryptoki: Cryptoki) {
    this.#cryptoki = cryptoki;
  }

  sessions({ max }: { max: number }): ProbeQuestions['sessions']['answer'] {
    const { opened, stoppedBy } = this.#cryptoki.countSessions(max);
    return { opened, ...(stoppedBy === undefined ? {} : { stoppedBy: startFailure(stoppedBy).problem }) };
  }

  mechanisms({ profile }: { profile: Profile }): ProbeQuestions['mechanisms']['answer'] {
    const { mechanisms } = this.#cryptoki;
    const wordsOf = (mechanism: number) =>
      mechanisms.has(mechanism) ? this.#mechanism(mechanism) : undefined;
    return {
      count: mechanisms.size,
      gcm: wordsOf(new Gcm(this.#cryptoki, profile).mechanism),
      keyGeneration: wordsOf(pkcs11js.CKM_AES_KEY_GEN),
      ofVendor: [...mechanisms].filter((number) => number >= vendorDefined).map(mechanismName),
    };
  }

  #mechanism(number: number): MechanismWords {
    const { flags, minKeySize, maxKeySize } = this.#cryptoki.mechanismInfo(number);
    return {
      flags: Object.entries(mechanismFlags).flatMap(([name, flag]) => ((flags & flag) === 0 ? [] : [name])),
      minKeyBytes: minKeySize,
      maxKeyBytes: maxKeySize,
    };
  }

  cleanUp(): CleanUp {
    const keys = this.#keys();
    const done: CleanUp = { destroyed: 0, underWay: 0, left: [] };
    for (const handle of findAesKeys(this.#cryptoki)) {
      const name = nameOf(keys, handle);
      const state = name === undefined ? undefined : probeOf(name);
      if (state === 'under-way') done.underWay++;
      if (name === undefined || state !== 'over') continue;
      const why = this.#whyUndestroyed(handle);
      if (why === undefined) done.destroyed++;
      else done.left.push({ label: name.label, id: name.id.toString('hex'), why });
    }
    return done;
  }

  make({ omit }: { omit: string[] }): Made {
    const keys = this.#keys({ omit, not_told: allNotTold });
    let handle: Buffer;
    try {
      handle = keys.generateAsIs(probeId(shortIdBytes), probeLabel, bothUses);
    } catch (error) {
      return { refused: startFailure(error) };
    }
    const told = readAttributes(this.#cryptoki, handle, readBack);
    const valueTold = this.#tellsValue(handle);
    const why = this.#whyUndestroyed(handle);
    return { readings: readingsOf(told), valueTold, ...(why === undefined ? {} : { undestroyed: why }) };
  }

  /** Of a key that is destroyed at once: whether its value can be had. */
  #tellsValue(handle: Buffer): boolean {
    const value = readAttributes(this.#cryptoki, handle, [pkcs11js.CKA_VALUE]).get(pkcs11js.CKA_VALUE);
    value?.fill(0);
    return value !== undefined && value.length > 0;
  }

  names({ profile }: { profile: Profile }): Record<string, never> {
    proveNames({ cryptoki: this.#cryptoki, keys: this.#namer(profile) }, probeNames());
    // Where not even short names are taken the former is content.
    const { shortId, shortLabel } = probeNames();
    this.#namer(profile).tryNames(shortId, shortLabel);
    return {};
  }

  longestNames({ profile }: { profile: Profile }): ProbeQuestions['longestNames']['answer'] {
    const namer = this.#namer(profile);
    const takes = (id: Buffer, label: string) => whyNotNamed(namer, id, label) === undefined;
    return {
      id: max(idStartBytes, triedNames.maxIdLength.length, (bytes) => takes(probeId(bytes), probeLabel)),
      label: max(probeLabel.length, triedNames.maxLabelLength.length, (bytes) =>
        takes(probeId(shortIdBytes), longLabel(bytes)),
      ),
    };
  }

  /** Names are tried with keys of the token, as CloudKeys' are: one of the session may have other bounds. */
  #namer(profile: Profile): Pick<KeyObjects, 'tryNames'> {
    return {
      tryNames: (id, label) => {
        const keys = this.#keys({ ...profile.keys, not_told: [...allNotTold] });
        const handle = keys.generateAsIs(id, label, bothUses);
        try {
          return keys.nameOf(handle);
        } finally {
          this.#cryptoki.destroyObject(handle);
        }
      },
    };
  }

  keep({ profile }: { profile: Profile }): { id: string } {
    const id = probeId(shortIdBytes);
    this.#keys(profile.keys).generate(id, probeLabel, bothUses);
    return { id: id.toString('hex') };
  }

  search({ id }: ProbeQuestions['search']['input']): ProbeQuestions['search']['answer'] {
    const began = monotonicNow();
    const all = findAesKeys(this.#cryptoki).length;
    const milliseconds = monotonicNow() - began;
    return {
      byId: findAesKeys(this.#cryptoki, { id: Buffer.from(id, 'hex') }).length,
      byLabel: findAesKeys(this.#cryptoki, { label: probeLabel }).length,
      all,
      milliseconds,
    };
  }

  look({ id }: ProbeQuestions['look']['input']): ProbeQuestions['look']['answer'] {
    const search = () => findAesKeys(this.#cryptoki, { id: Buffer.from(id, 'hex') }).length;
    this.#cryptoki.reopenSession();
    const found = search();
    if (found > 0) return { found, afterLogin: found };
    this.#cryptoki.startAfresh();
    return { found, afterLogin: search() };
  }

  ivMode({ profile, key }: ProbeQuestions['ivMode']['input']): Record<string, never> {
    try {
      proveIvMode(this.#parts(profile, key));
    } finally {
      // An operation may have been left active.
      this.#cryptoki.reopenSession();
    }
    return {};
  }

  tag({ profile, key }: ProbeQuestions['tag']['input']): { said: string } {
    const { call, rv } = proveTag(this.#parts(profile, key));
    return { said: `${call} ${rv === undefined ? 'without a number' : ckrName(rv)}` };
  }

  data({ profile, key }: ProbeQuestions['data']['input']): Record<string, never> {
    proveData({ ...this.#parts(profile, key), profile });
    return {};
  }

  maxData({ profile, key }: ProbeQuestions['maxData']['input']): ProbeQuestions['maxData']['answer'] {
    const parts = this.#parts(profile, key);
    const takes = (plaintext: number, aad: number) =>
      whyNot(parts, Buffer.alloc(aad, 1), Buffer.alloc(plaintext, 3)) === undefined;
    return {
      plaintext: max(0, profile.limits.plaintext_bytes, (bytes) => takes(bytes, 1)),
      aad: max(0, xksAadBytes + metadataBytes + 3, (bytes) => takes(1, bytes)),
    };
  }

  destroy({ profile, id, witness }: ProbeQuestions['destroy']['input']): { destroyed: number } {
    const { gcm, keys, canary } = this.#parts(profile, witness);
    const tools = { gcm, keys, canary: { check: () => canary.renew() } };
    const destruction = new KeyDestruction(this.#cryptoki, tools, [Buffer.from(witness, 'hex')]);
    const nothing = Buffer.alloc(0);
    const identity = encodeKeyIdentity({ label: probeLabel, binding: nothing, proof: nothing });
    return { destroyed: destruction.destroy(Buffer.from(id, 'hex'), identity) };
  }

  latency({ profile, key }: ProbeQuestions['latency']['input']): ProbeQuestions['latency']['answer'] {
    const { gcm, keys, canary } = this.#parts(profile, key);
    const handle = canary.key;
    const aad = Buffer.alloc(256, 1);
    const plaintext = Buffer.alloc(32, 2);
    const sealed = gcm.encrypt(handle, aad, plaintext);
    // Telling of each call would be a part of what is measured.
    const watching = watchCalls(undefined);
    try {
      return {
        encrypt: spread(measured.operations, () => void gcm.encrypt(handle, aad, plaintext)),
        decrypt: spread(measured.operations, () => void gcm.decrypt(handle, aad, sealed)),
        create: spread(measured.keys, () => {
          const id = probeId(shortIdBytes);
          keys.generate(id, probeLabel, bothUses);
          return () => this.#cryptoki.destroyObject(keys.find(id));
        }),
      };
    } finally {
      watchCalls(watching);
    }
  }

  whole({ profile }: { profile: Profile }): Record<string, never> {
    const { maxIdLength: id, maxLabelLength: label } = probeNames();
    const keys = this.#keys(profile.keys);
    keys.generate(id, label, bothUses);
    try {
      const parts = this.#parts(profile, id.toString('hex'));
      proveIvMode(parts);
      proveTag(parts);
      proveData({ ...parts, profile });
    } finally {
      this.#cryptoki.destroyObject(this.#keys(profile.keys).find(id));
    }
    return {};
  }

  #keys(attributes: Profile['keys'] = { omit: [], not_told: [] }): KeyObjects {
    return new KeyObjects(this.#cryptoki, { keys: attributes });
  }

  #parts(profile: Profile, key: string) {
    const cryptoki = this.#cryptoki;
    const gcm = new Gcm(cryptoki, profile);
    const keys = this.#keys(profile.keys);
    return { cryptoki, gcm, keys, canary: trialOf(cryptoki, gcm, keys, Buffer.from(key, 'hex')) };
  }

  #whyUndestroyed(handle: Buffer): string | undefined {
    try {
      this.#cryptoki.destroyObject(handle);
      return undefined;
    } catch (error) {
      return startFailure(error).problem;
    }
  }
}

const vendorDefined = 0x80000000;

const mechanismFlags = {
  CKF_HW: pkcs11js.CKF_HW,
  CKF_ENCRYPT: pkcs11js.CKF_ENCRYPT,
  CKF_DECRYPT: pkcs11js.CKF_DECRYPT,
  CKF_GENERATE: pkcs11js.CKF_GENERATE,
} as const;

/** Undefined for one that has gone meanwhile, or cannot be read: it is none of ours to look after. */
function nameOf(keys: KeyObjects, handle: Buffer): { id: Buffer; label: string } | undefined {
  try {
    return keys.nameOf(handle);
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
    return undefined;
  }
}
