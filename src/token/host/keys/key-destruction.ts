import type { Cryptoki } from '../cryptoki.ts';
import { TokenError } from '../../faults.ts';
import { toText } from './key-handles.ts';
import { isExpectedLabel, isLabelOfOurs, readKeyIdentity, type KeyIdentity } from '../../key-identity.ts';
import { whyUnfit, type ProofTools } from './key-proof.ts';
import { ownKeys } from '../../own-keys.ts';

/**
 * Destroys key objects, and says so only of what is gone: C_DestroyObject said CKR_OK, or there was nothing, and a search
 * after a login anew, which sees our own keys, finds no object with this CKA_ID. A module forgets objects that are in the
 * token still (SoftHSMv2#903), and an HSM that has logged its users out hides all private objects from them.
 */
export class KeyDestruction {
  readonly #cryptoki: Cryptoki;
  readonly #tools: ProofTools;
  /** CKA_IDs of which an object was not destroyed: that this process finds none of them any more proves nothing. */
  readonly #inDoubt = new Set<string>();

  /** CKA_IDs; a session that does not see the first of them sees nothing. */
  readonly #witnesses: readonly Uint8Array[];
  /** Throws where this is not the token on record: another one lacks the key, and that says nothing. */
  readonly #assertOurs: () => void;

  constructor(
    cryptoki: Cryptoki,
    tools: ProofTools,
    // What comes next finds them without a search, as before.
    witnesses: readonly Uint8Array[] = [ownKeys.sealing.id, ownKeys.health.id],
    assertOurs: () => void = () => undefined,
  ) {
    this.#assertOurs = assertOurs;
    this.#cryptoki = cryptoki;
    this.#tools = tools;
    this.#witnesses = witnesses;
  }

  /**
   * How many objects were destroyed; none is success too, so that an interrupted destruction can be repeated. Throws
   * TokenError: `key-unfit` where the object is not the one of the identity, `device` where only another process can tell;
   * CryptokiError.
   */
  destroy(id: Uint8Array, identity: Uint8Array): number {
    const { keys } = this.#tools;
    const name = toText(id);
    keys.forget(id);
    let handles = keys.search(id);
    if (handles.length === 0) {
      if (this.#inDoubt.has(name)) throw unclear('what could not be destroyed is no longer found');
      handles = this.#searchAnew(id);
      if (handles.length === 0) return 0;
    }
    this.#check(handles, readKeyIdentity(identity));
    this.#inDoubt.add(name);
    for (const handle of handles) this.#cryptoki.destroyObject(handle);
    if (this.#searchAnew(id).length > 0)
      throw unclear('C_DestroyObject said OK, and the object is there still');
    this.#inDoubt.delete(name);
    return handles.length;
  }

  /** What a session sees that was logged in just now. An absence counts only where it sees what must be there. */
  #searchAnew(id: Uint8Array): Buffer[] {
    this.#cryptoki.startAfresh();
    const { keys } = this.#tools;
    keys.forgetAll();
    const [first] = this.#witnesses.map((witness) => keys.has(witness));
    if (first !== true) throw unclear('our own keys are not to be seen, so that an absence proves nothing');
    this.#assertOurs();
    return keys.search(id);
  }

  /** Another object may have the CKA_ID by now, or the record names one that was never its own. */
  #check(handles: readonly Buffer[], identity: KeyIdentity): void {
    // Of an id that is not of our making another may be somebody else's.
    if (handles.length > 1 && !isLabelOfOurs(identity.label))
      throw new TokenError('key-duplicate', 'C_FindObjects');
    for (const handle of handles) {
      const unfit =
        identity.proof.length > 0
          ? whyUnfit(this.#tools, handle, identity)
          : this.#whyOther(handle, identity);
      if (unfit !== undefined) throw new TokenError('key-unfit', 'C_DestroyObject', undefined, unfit);
    }
  }

  #whyOther(handle: Buffer, { label }: KeyIdentity): string | undefined {
    if (label === '') return 'neither proof nor label of it are on record';
    return isExpectedLabel(label, this.#tools.keys.nameOf(handle).label)
      ? undefined
      : 'its label is not the one on record';
  }
}

/** Ends the host: another one, which has never seen the object, tells. */
function unclear(why: string): TokenError {
  return new TokenError('device', 'C_DestroyObject', undefined, why);
}
