import { keepProofs, noteUnfit, proofOfUsed, unfitnessOf } from '../keys/key-proofs.ts';
import { noteBack } from '../keys/replaced-tokens.ts';
import { about, tell, type Comparing, type VersionOnRecord } from './reconcile-records.ts';
import { whyUnfit } from '../vault/tokens.ts';

/** So many proofs are kept in one transaction. */
const batchSize = 100;

/**
 * Whether the key objects are the keys on record, by their proofs. One of before has none: it is made now of what is in the
 * token, where label and attributes are as on record, and the report says so.
 */
export class IdentityCheck {
  readonly #comparing: Comparing;
  #made: { version: VersionOnRecord; proof: Buffer }[] = [];
  #back: VersionOnRecord[] = [];

  constructor(comparing: Comparing) {
    this.#comparing = comparing;
  }

  /** False where the object is another: that is told, and what else is wrong with it does not matter. */
  async isFit(row: VersionOnRecord, label: string): Promise<boolean> {
    const { context } = this.#comparing;
    const unfit = await this.#unfitness(row);
    if (unfit !== undefined || row.unfitSince !== null) await noteUnfit(context, row, unfit);
    if (unfit === undefined) {
      await this.#isBack(row);
      return true;
    }
    tell(this.#comparing, {
      kind: 'unfit',
      outcome: 'none',
      detail:
        `the key object is not the key of this version: ${unfit}; requests for it fail, and nothing is encrypted with it, ` +
        'until the right key object is restored from a backup of the token',
      ...about(row, label),
    });
    return false;
  }

  /** Keeps what was found and is not kept yet. */
  async end(): Promise<void> {
    const { context, act } = this.#comparing;
    await keepProofs(context, act, this.#made);
    this.#made = [];
    await noteBack(context, this.#back);
    this.#back = [];
  }

  /** The HSM is the one that was replaced: put back, or with keys of our own made anew. */
  async #isBack(row: VersionOnRecord): Promise<void> {
    if (row.leftIn === null || this.#comparing.replaced.get(row.leftIn)?.sameSerial !== true) return;
    this.#back.push(row);
    if (this.#back.length >= batchSize) await this.end();
  }

  async #unfitness(row: VersionOnRecord): Promise<string | undefined> {
    const { context } = this.#comparing;
    if (row.proof !== null || row.canEncrypt === 0 || row.canDecrypt === 0) return unfitnessOf(context, row);
    return whyUnfit(async () => {
      const proof = await proofOfUsed(context, row);
      if (proof !== null) await this.#keep(row, proof);
    });
  }

  async #keep(version: VersionOnRecord, proof: Buffer): Promise<void> {
    this.#made.push({ version, proof });
    tell(this.#comparing, {
      kind: 'unproven',
      outcome: 'proven',
      detail:
        'the version had no proof of its key, like all versions from earlier releases: one was made with the key object that is in the token now, ' +
        'whose label and attributes are as on record; from now on no other is accepted',
      ...about(version),
    });
    if (this.#made.length >= batchSize) await this.end();
  }
}
