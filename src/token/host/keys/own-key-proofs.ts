import type { OwnKeyProofs } from '../../own-key-proofs.ts';
import { createHash } from 'node:crypto';
import { TokenError } from '../../faults.ts';
import { encodeKeyIdentity } from '../../key-identity.ts';
import { makeProof, type ProofTools } from './key-proof.ts';
import { ownKeys, type OwnKey } from '../../own-keys.ts';
import { ProvenKeys } from './proven-keys.ts';

const nothing = Buffer.alloc(0);

/**
 * Keys of our own, proven where they are used like those of CloudKeys. The proofs are kept beside the token's, in the store; a
 * host that is given none makes them of what it finds at its start, and holds on to that for its life.
 */
export class OwnKeyGuard {
  readonly #tools: Omit<ProofTools, 'canary'>;
  readonly #proofs: Map<string, Buffer>;
  readonly #proven: ProvenKeys;
  readonly #wrong = new Map<string, string>();

  constructor(tools: Omit<ProofTools, 'canary'>, proofs: OwnKeyProofs = {}) {
    this.#tools = tools;
    this.#proofs = new Map(
      Object.entries(proofs).map(([label, proof]) => [label, Buffer.from(proof, 'base64')]),
    );
    // The canary is made with one of these keys: whoever asks for the key sees to a sick token.
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

  /** The handle. Throws TokenError `key-unfit`, `key-missing`, `key-duplicate`; CryptokiError. */
  use(key: OwnKey): Buffer {
    return this.#noted(key, () => this.#proven.use(key.id, this.#identityOf(key)));
  }

  #noted(key: OwnKey, find: () => Buffer): Buffer {
    try {
      const handle = find();
      this.#wrong.delete(key.label);
      return handle;
    } catch (error) {
      if (error instanceof TokenError)
        this.#wrong.set(key.label, `key "${key.label}": ${error.detail ?? error.fault}`);
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

  get proofs(): OwnKeyProofs {
    return Object.fromEntries([...this.#proofs].map(([label, proof]) => [label, proof.toString('base64')]));
  }

  /** Has each key show what it is, whatever is remembered: {@link alarms} tells it. Throws CryptokiError. */
  lookAtAll(): void {
    for (const key of Object.values(ownKeys))
      try {
        this.#noted(key, () => this.#proven.prove(key.id, this.#identityOf(key)));
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
      }
  }

  /** What was wrong with each key when it was used last, for operators: none of them is one of the proofs. */
  get alarms(): string[] {
    return [...this.#wrong.values()];
  }

  #identityOf(key: OwnKey): Buffer {
    const proof = this.#proofs.get(key.label) ?? nothing;
    return encodeKeyIdentity({ label: key.label, binding: bindingOf(key), proof });
  }
}

function bindingOf({ id, label }: OwnKey): Buffer {
  return createHash('sha256').update('holdfast own key ').update(id).update(label).digest();
}
