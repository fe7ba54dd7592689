import { randomUUID } from 'node:crypto';
import { hsmsShown } from '../../fleet/hsms-shown.ts';
import { leaveUnrecorded } from '../../store/act-transaction.ts';
import type { ActTransaction } from '../../store/store.ts';
import type { RecordedToken } from '../../token/own-key-proofs.ts';
import { ownKeys } from '../../token/own-keys.ts';
import { readTokensOnRecord } from '../own-key-proofs.ts';
import { readHsmsNotAsked, type ReplacedToken } from '../replaced-tokens.ts';

/*
 * A key object may be in every HSM in which the token's keys were ever seen, whether the configuration still has it or not, and
 * whichever node does: each has the same sealing key, and its serial number is on record, or shown by a node, until somebody says that it was erased. When
 * a key came to which of them nobody knows: vendors copy keys by their own means. So a version is DESTROYED only once its key object
 * is gone from all of them.
 */

interface Version {
  cloudKeyId: string;
  version: number;
  token: string;
}

/**
 * Notes on which HSMs, by serial number, the key object of a version that is DESTROYING is no more. Returns one that was not asked
 * yet and may have it: the version counts as left there. Undefined where there is none.
 */
export async function noteGone(
  trx: ActTransaction,
  { cloudKeyId, version, token }: Version,
  serials: readonly string[],
): Promise<ReplacedToken | undefined> {
  const row = await trx
    .selectFrom('key_versions')
    .select(['gone_from', 'left_in'])
    .where('cloud_key_id', '=', cloudKeyId)
    .where('version', '=', version)
    .where('state', '=', 'DESTROYING')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const known = JSON.parse(row.gone_from ?? '[]') as string[];
  const gone = [...new Set([...known, ...serials])].toSorted();
  const notAsked = await whereItMayBe(trx, { token, gone, leftIn: row.left_in });
  if (notAsked === undefined) return undefined;
  leaveUnrecorded(trx, 'found in a token');
  await trx
    .updateTable('key_versions')
    .set({ gone_from: JSON.stringify(gone), left_in: notAsked.id })
    .where('cloud_key_id', '=', cloudKeyId)
    .where('version', '=', version)
    .where('state', '=', 'DESTROYING')
    .execute();
  return notAsked;
}

/** An HSM that is not among those that it is gone from. */
async function whereItMayBe(
  trx: ActTransaction,
  { token, gone, leftIn }: { token: string; gone: readonly string[]; leftIn: string | null },
): Promise<ReplacedToken | undefined> {
  const noted = await readHsmsNotAsked(trx, [token]);
  // Of a token that was replaced since, no serial number is on record any more.
  const before = noted.find(({ id }) => id === leftIn);
  if (before !== undefined && before.serials.some((serial) => !gone.includes(serial))) return before;
  const recorded = (await readTokensOnRecord({ db: trx })).get(token);
  const shown = await hsmsShown(trx, token);
  const serial = [...(recorded?.serials ?? []), ...shown].find((one) => !gone.includes(one));
  if (serial === undefined) return undefined;
  if (recorded !== undefined) await keepShown(trx, token, recorded, shown);
  return noted.find(({ serials }) => serials.includes(serial)) ?? note(trx, token, serial);
}

/**
 * A node without a management process puts no HSM on record, and what it shows is gone with its row: from now on it is on record
 * like any other. It is used there, and so the proof on record is that of its sealing key.
 */
async function keepShown(
  trx: ActTransaction,
  token: string,
  { serials, proof }: RecordedToken,
  shown: readonly string[],
): Promise<void> {
  const sealing = { label: ownKeys.sealing.label, proof: Buffer.from(proof, 'base64') };
  for (const serial of shown.filter((one) => !serials.includes(one)))
    await trx
      .insertInto('own_key_proofs')
      .values({ token, serial, ...sealing, made_at: trx.at.toISOString() })
      .onConflict((oc) => oc.doNothing())
      .execute();
}

async function note(trx: ActTransaction, token: string, serial: string): Promise<ReplacedToken> {
  const id = randomUUID();
  const at = trx.at.toISOString();
  await trx
    .insertInto('replaced_tokens')
    .values({ id, kind: 'member', token, serials: JSON.stringify([serial]), replaced_at: at })
    .execute();
  return { id, kind: 'member', token, serials: [serial], replacedAt: at, erasedAt: null, sameSerial: true };
}
