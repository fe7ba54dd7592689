import type { Store } from '../store/store.ts';
import type { TokenInfo } from '../token/token-info.ts';
import type { OwnKeyProofs } from '../token/own-key-proofs.ts';

/** What hosts of one token are given: proofs by the token's serial number. */
export type ProofsBySerial = Record<string, OwnKeyProofs>;

/** The proofs of the keys of our own, by token. */
export async function readOwnKeyProofs({ db }: Pick<Store, 'db'>): Promise<Map<string, ProofsBySerial>> {
  const rows = await db.selectFrom('own_key_proofs').selectAll().execute();
  const tokens = new Map<string, ProofsBySerial>();
  for (const { token, serial, label, proof } of rows) {
    const bySerial = tokens.get(token) ?? {};
    bySerial[serial] = { ...bySerial[serial], [label]: proof.toString('base64') };
    tokens.set(token, bySerial);
  }
  return tokens;
}

/**
 * Keeps the proofs that a host told, those of keys that are made just now in place of older ones. Returns the labels of
 * those that there were none of.
 */
export async function keepOwnKeyProofs(
  store: Pick<Store, 'bookkeep'>,
  token: string,
  { serial }: Pick<TokenInfo, 'serial'>,
  { proofs, made }: { proofs: OwnKeyProofs; made: readonly string[] },
  now: Date,
): Promise<string[]> {
  return store.bookkeep('found in a token', async (trx) => {
    const kept: string[] = [];
    for (const [label, text] of Object.entries(proofs)) {
      if (made.includes(label))
        await trx
          .deleteFrom('own_key_proofs')
          .where('token', '=', token)
          .where('serial', '=', serial)
          .where('label', '=', label)
          .execute();
      const proof = Buffer.from(text, 'base64');
      const { numInsertedOrUpdatedRows } = await trx
        .insertInto('own_key_proofs')
        .values({ token, serial, label, proof, made_at: now.toISOString() })
        .onConflict((oc) => oc.doNothing())
        .executeTakeFirstOrThrow();
      if (numInsertedOrUpdatedRows === 1n) kept.push(label);
    }
    return kept;
  });
}
