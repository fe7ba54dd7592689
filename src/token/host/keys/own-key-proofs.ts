import type { OwnKeyProofs } from '../../own-key-proofs.ts';
import { createHash } from 'node:crypto';
import { endsHost, TokenError, type TokenFault } from '../../faults.ts';
import { encodeKeyIdentity } from '../../key-identity.ts';
import { makeProof, type ProofTools } from './key-proof.ts';
import { ownKeys, type OwnKey } from '../../own-keys.ts';
import { ProvenKeys } from './proven-keys.ts';

const nothing = Buffer.alloc(0);

/** Asks what is known by now of the keys of our own in this token. */
export type LatestProofs = () => OwnKeyProofs;

/**
 * Keys of our own, proven where they are used like those of CloudKeys. The proofs are kept beside the token's, in the store; a
 * host that is given none makes them of what it finds at its start, and holds on to that for its life.
 */
export class OwnKeyGuard {
  readonly #tools: ProofTools;
  readonly #proofs: Map<string, Buffer>;
  readonly #proven: ProvenKeys;
  readonly #latest: LatestProofs | undefined;
  readonly #wrong = new Map<string, { fault: TokenFault; words: string }>();

  constructor(tools: ProofTools, proofs: OwnKeyProofs = {}, latest?: LatestProofs) {
    this.#tools = tools;
    this.#latest = latest;
    this.#proofs = new Map(
      Object.entries(proofs).map(([label, proof]) => [label, Buffer.from(proof, 'base64')]),
    );
    // The canary asks for one of these keys itself: it is asked below, once it is known which is wrong.
    this.#proven = new ProvenKeys({ ...tools, canary: { check: () => undefined } });
  }

  /** Whether there is a proof of the key from before this host. */
  isProven({ label }: OwnKey): boolean {
    return this.#proofs.has(label);
  }

  /** Whether there is a proof of any of them: then the token had keys before this host. */
  get anyProven(): boolean {
    return this.#proofs.size > 0;
  }

  /**
   * The handle. Throws TokenError `key-unfit`, `key-missing`, `key-duplicate`, or what ends the host, where it is the token and
   * not the key; CryptokiError.
   */
  use(key: OwnKey): Buffer {
    return this.#noted(key, () => this.#proven.use(key.id, this.#identityOf(key)));
  }

  /** Why the token does not hold our sealing key as it is proven; undefined where it does. Throws CryptokiError; TokenError where the token is sick. */
  whyNotOurs(): string | undefined {
    try {
      this.use(ownKeys.sealing);
      return undefined;
    } catch (error) {
      if (!(error instanceof TokenError) || !isOfKey(error.fault)) throw error;
      return `key "${ownKeys.sealing.label}": ${error.detail ?? error.fault}`;
    }
  }

  /** Whether it was not in the token when it was looked for last. */
  isMissing({ label }: OwnKey): boolean {
    return this.#wrong.get(label)?.fault === 'key-missing';
  }

  /** What is to be told of a key that is missing, beside that. */
  noteOfMissing({ label }: OwnKey, why: string): void {
    this.#wrong.set(label, { fault: 'key-missing', words: `key "${label}": ${why}` });
  }

  #noted(key: OwnKey, find: () => Buffer): Buffer {
    try {
      const handle = this.#orRenewed(key, find);
      this.#wrong.delete(key.label);
      return handle;
    } catch (error) {
      if (error instanceof TokenError && isOfKey(error.fault)) this.#accuse(key, error);
      throw error;
    }
  }

  /** Another host may have made the health key anew meanwhile: then there is another proof of it. */
  #orRenewed(key: OwnKey, find: () => Buffer): Buffer {
    try {
      return find();
    } catch (error) {
      const isUnfit = error instanceof TokenError && error.fault === 'key-unfit';
      if (!isUnfit || key !== ownKeys.health || !this.#takeLatest(key)) throw error;
      return find();
    }
  }

  /** True where what is known by now of the key is another proof. */
  #takeLatest({ label }: OwnKey): boolean {
    const latest = this.#latest?.()[label];
    if (latest === undefined || latest === this.proofs[label]) return false;
    this.#proofs.set(label, Buffer.from(latest, 'base64'));
    return true;
  }

  /**
   * A token that decrypts nothing has not shown another key, and whoever believes that removes the right one: what is new is
   * told only of a token that is well. Throws TokenError.
   */
  #accuse({ label }: OwnKey, { fault, detail }: TokenError): void {
    if (this.#wrong.get(label)?.fault === fault) return;
    // Known before the canary is asked, which may ask for this very key.
    this.#wrong.set(label, { fault, words: `key "${label}": ${detail ?? fault}` });
    if (fault !== 'key-unfit') return;
    try {
      this.#tools.canary.check();
    } catch (error) {
      this.#wrong.delete(label);
      throw error;
    }
  }

  /** Makes the proofs that are not there yet, of keys that were found as made. Throws CryptokiError, TokenError. */
  proveFound(): void {
    for (const key of Object.values(ownKeys)) {
      if (this.isProven(key)) continue;
      this.#proofs.set(key.label, makeProof(this.#tools.gcm, this.#tools.keys.find(key.id), bindingOf(key)));
    }
  }

  /** A key that was made just now: what was known of another says nothing. */
  forget({ label }: OwnKey): void {
    this.#proofs.delete(label);
  }

  /** The same, with a proof of the new one, which is told. Throws CryptokiError, TokenError. */
  renew(key: OwnKey): OwnKeyProofs {
    const proof = makeProof(this.#tools.gcm, this.#tools.keys.find(key.id), bindingOf(key));
    this.#proofs.set(key.label, proof);
    this.#wrong.delete(key.label);
    return { [key.label]: proof.toString('base64') };
  }

  get proofs(): OwnKeyProofs {
    return Object.fromEntries([...this.#proofs].map(([label, proof]) => [label, proof.toString('base64')]));
  }

  /**
   * Has each key show what it is, whatever is remembered: {@link alarms} tells it. What cannot be found by the deadline is left
   * to the next look. Throws CryptokiError; TokenError where it ends the host.
   */
  lookAtAll(deadline?: number): void {
    for (const key of Object.values(ownKeys))
      try {
        this.#noted(key, () => this.#proven.prove(key.id, this.#identityOf(key), deadline));
      } catch (error) {
        if (!(error instanceof TokenError) || endsHost(error.fault)) throw error;
      }
  }

  /** What was wrong with each key when it was used last, for operators: none of them is one of the proofs. */
  get alarms(): string[] {
    return [...this.#wrong.values()].map(({ words }) => words);
  }

  #identityOf(key: OwnKey): Buffer {
    const proof = this.#proofs.get(key.label) ?? nothing;
    return encodeKeyIdentity({ label: key.label, binding: bindingOf(key), proof });
  }
}

/** Whether it says what a key is: a time-out does not. */
function isOfKey(fault: TokenFault): boolean {
  return fault === 'key-unfit' || fault === 'key-missing' || fault === 'key-duplicate';
}

function bindingOf({ id, label }: OwnKey): Buffer {
  return createHash('sha256').update('holdfast own key ').update(id).update(label).digest();
}
