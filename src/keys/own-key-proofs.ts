import type { Store } from '../store/store.ts';
import type { TokenInfo } from '../token/token-info.ts';
import type { Reading } from '../vault/edits.ts';
import type { OwnKeyProofs, RecordedToken } from '../token/own-key-proofs.ts';
import { ownKeys, remediationOfOtherToken } from '../token/own-keys.ts';
import { VaultError } from '../vault/vault-error.ts';

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
 * Which token is meant by each name: the one whose sealing key was proven last. There is one of a name, whatever its serial
 * numbers; stores of before may have rows of others, which were in its place once.
 */
export async function readTokensOnRecord({ db }: { db: Reading }): Promise<Map<string, RecordedToken>> {
  const rows = await sealingKeys(db).select(['token', 'serial', 'proof']).execute();
  const tokens = new Map<string, RecordedToken>();
  for (const { token, serial, proof: bytes } of rows) {
    const proof = bytes.toString('base64');
    const before = tokens.get(token);
    const serials = before?.proof === proof ? [...before.serials, serial] : [serial];
    tokens.set(token, { serials, proof });
  }
  return tokens;
}

/** Their proofs, the last one made at the end. */
function sealingKeys(db: Reading) {
  return db
    .selectFrom('own_key_proofs')
    .where('label', '=', ownKeys.sealing.label)
    .orderBy('made_at')
    .orderBy('serial');
}

/**
 * Keeps the proofs that a host told, those of keys that are made just now in place of older ones. Returns the labels of
 * those that there were none of. Throws VaultError where the store means another token by the name: two nodes may have begun
 * at the same time, each with one of its own.
 */
export async function keepOwnKeyProofs(
  store: Pick<Store, 'bookkeep'>,
  token: string,
  { serial }: Pick<TokenInfo, 'serial'>,
  { proofs, made }: { proofs: OwnKeyProofs; made: readonly string[] },
  now: Date,
): Promise<string[]> {
  return store.bookkeep('found in a token', async (trx) => {
    await assertSame(trx, token, serial, { proofs, made });
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

/** A host that was held against what is on record has that very proof; of a serial number on record it was seen before. */
async function assertSame(
  trx: Reading,
  token: string,
  serial: string,
  { proofs, made }: { proofs: OwnKeyProofs; made: readonly string[] },
): Promise<void> {
  const { label } = ownKeys.sealing;
  const rows = await sealingKeys(trx).where('token', '=', token).select(['serial', 'proof']).execute();
  if (rows.length === 0 || proofs[label] === undefined) return;
  const isSame =
    !made.includes(label) &&
    rows.some((row) => row.serial === serial || row.proof.toString('base64') === proofs[label]);
  if (isSame) return;
  const serials = [...new Set(rows.map((row) => row.serial))].join(' or ');
  throw new VaultError(
    'conflict',
    `token ${token} (serial ${serial}) is not known to be the one that the store has on record by this name, of serial ${serials}`,
    remediationOfOtherToken,
  );
}
