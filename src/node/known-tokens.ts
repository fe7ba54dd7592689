import { readOwnKeyProofs, readTokensOnRecord, type ProofsBySerial } from '../keys/own-key-proofs.ts';
import type { Store } from '../store/store.ts';
import type { HostSettings } from '../token/keeper/host-keeper.ts';
import type { RecordedToken } from '../token/own-key-proofs.ts';
import type { OwnKeysMade } from './messages.ts';

/** What the store has of each token, by name: which one it is, and proofs of the keys of our own in it. */
export class KnownTokens {
  readonly #proofs: Map<string, ProofsBySerial>;
  readonly #recorded: ReadonlyMap<string, RecordedToken>;

  private constructor(proofs: Map<string, ProofsBySerial>, recorded: ReadonlyMap<string, RecordedToken>) {
    this.#proofs = proofs;
    this.#recorded = recorded;
  }

  static async read(store: Pick<Store, 'db'>): Promise<KnownTokens> {
    return new KnownTokens(await readOwnKeyProofs(store), await readTokensOnRecord(store));
  }

  has(token: string): boolean {
    return this.#proofs.has(token);
  }

  /** Serial numbers of all HSMs in which its keys were seen. */
  serialsOf(token: string): readonly string[] {
    return this.#recorded.get(token)?.serials ?? [];
  }

  /** What a host of the token is told: of one that nothing is on record of, that. */
  orderOf(token: string): Pick<HostSettings['order'], 'ownProofs' | 'recorded'> {
    return { ownProofs: this.#proofs.get(token), recorded: this.#recorded.get(token) ?? 'none' };
  }

  /** Keys of our own were made anew: hosts that are started later are told of them. */
  renew({ token, serial, proofs }: OwnKeysMade): void {
    const known = this.#proofs.get(token);
    this.#proofs.set(token, { ...known, [serial]: { ...known?.[serial], ...proofs } });
  }
}
