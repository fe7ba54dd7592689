import { monotonicNow } from '../../../clock.ts';
import { TokenError } from '../../faults.ts';
import { toText } from './key-handles.ts';
import { readKeyIdentity, type KeyIdentity } from '../../key-identity.ts';
import { whyUnfit, type ProofTools } from './key-proof.ts';

/** A handle that was proven is proven again when it is used after so long, milliseconds: handles may be given anew. */
const provenFor = 60_000;
/** A key that is not the one on record is not looked at again for so long, milliseconds. */
const unfitFor = 5_000;
/** The most keys that are remembered as proven; beyond, the oldest is proven again when it is next used. */
const maxRemembered = 100_000;

interface Verdict {
  /** As in the message; another for the same CKA_ID is proven anew. */
  identity: Buffer;
  /** Undefined for a key that is the one on record. */
  unfit: string | undefined;
  /** By the machine's monotonic clock. */
  until: number;
}

/**
 * Gives the handle of a key only once the object behind it has shown that it is the key of the record: when the handle is
 * learned, when another record names it, and every minute of its use. What is not costs the token nothing for a while.
 */
export class ProvenKeys {
  readonly #tools: ProofTools;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(tools: ProofTools) {
    this.#tools = tools;
    tools.keys.onLearned((id) => void this.#verdicts.delete(toText(id)));
  }

  /**
   * `deadline` as `KeyObjects.find` has it. Throws TokenError `key-unfit`, `key-missing`, `key-duplicate`, `timeout`;
   * CryptokiError.
   */
  use(id: Uint8Array, identity: Uint8Array, deadline?: number): Buffer {
    const { keys } = this.#tools;
    const now = monotonicNow();
    const name = toText(id);
    const verdict = this.#verdicts.get(name);
    const isKnown = verdict !== undefined && verdict.until > now && verdict.identity.equals(identity);
    if (isKnown && verdict.unfit !== undefined) throw unfitness(verdict.unfit);
    // Finding it anew drops the verdict: it was of another handle.
    const handle = keys.find(id, deadline);
    if (isKnown && this.#verdicts.has(name)) return handle;
    return this.prove(id, identity, deadline);
  }

  /** The same, whatever is remembered. */
  prove(id: Uint8Array, identity: Uint8Array, deadline?: number): Buffer {
    const { keys } = this.#tools;
    const now = monotonicNow();
    const wanted = readIdentity(identity);
    const wasKnown = keys.handleOf(id) !== undefined;
    let handle = keys.find(id, deadline);
    let unfit = whyUnfit(this.#tools, handle, wanted);
    if (unfit !== undefined && wasKnown) {
      // Perhaps the module gave the handle to another object meanwhile.
      keys.forget(id);
      handle = keys.find(id, deadline);
      unfit = whyUnfit(this.#tools, handle, wanted);
    }
    if (unfit !== undefined) keys.forget(id);
    this.#remember(id, {
      identity: Buffer.from(identity),
      unfit,
      until: now + (unfit === undefined ? provenFor : unfitFor),
    });
    if (unfit !== undefined) throw unfitness(unfit);
    return handle;
  }

  #remember(id: Uint8Array, verdict: Verdict): void {
    const name = toText(id);
    if (this.#verdicts.size >= maxRemembered && !this.#verdicts.has(name)) {
      const [oldest] = this.#verdicts.keys();
      if (oldest !== undefined) this.#verdicts.delete(oldest);
    }
    this.#verdicts.set(name, verdict);
  }
}

function unfitness(why: string): TokenError {
  return new TokenError('key-unfit', 'key proof', undefined, why);
}

function readIdentity(bytes: Uint8Array): KeyIdentity {
  try {
    return readKeyIdentity(bytes);
  } catch {
    throw unfitness('its identity cannot be read');
  }
}
