import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { record, type Act } from '../evidence/trail.ts';
import { forgetShown, hsmsShown } from '../fleet/hsms-shown.ts';
import type { ReplacedTokenTable } from '../store/schema.ts';
import type { ActTransaction } from '../store/store.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Reading } from '../vault/edits.ts';
import { VaultError } from '../vault/vault-error.ts';
import { readTokensOnRecord } from './own-key-proofs.ts';

/*
 * `init --replace-token` gives the name of a token to another one. The key objects that were made until then stay where they
 * are, and the new token says nothing about them: that it has none of them is no destruction. So each version is noted as
 * left in the token that was replaced. A single HSM that has a token's keys and was not asked to destroy one is noted in the same
 * way (hsm/hsms-not-asked.ts).
 */

/** A token that had a name before another took its place, or an HSM of a token that was not asked. */
export interface ReplacedToken {
  id: string;
  kind: 'token' | 'member';
  token: string;
  /** That it was seen under; none where the store knew of none. */
  serials: readonly string[];
  /** ISO 8601; of an HSM that was not asked, when that was noticed. */
  replacedAt: string;
  /** Since when it is on record that no key object is left in it. */
  erasedAt: string | null;
  /**
   * Whether the token that has the name now has all of its serial numbers: it may be the same HSM, or the same HSM group, with keys
   * of our own that were made anew. What is found in it and proven is in no other then; what is not found may be, since some
   * modules give every token the same serial number. Of a group one HSM alone does not do: the key objects are in the others too.
   */
  sameSerial: boolean;
}

/**
 * Forgets the token of a name, so that another is the one that is meant by it, and notes that its key objects stay behind in
 * it. While no node uses it. Returns how many versions that are not DESTROYED were left.
 */
export async function replaceToken(trx: ActTransaction, token: string): Promise<number> {
  const recorded = (await readTokensOnRecord({ db: trx })).get(token)?.serials ?? [];
  const serials = [...new Set([...recorded, ...(await hsmsShown(trx, token))])];
  const id = randomUUID();
  const { numUpdatedRows } = await trx
    .updateTable('key_versions')
    .set({ left_in: id })
    // One that waits for a single HSM of the group waits for all of them from now on.
    .where((eb) =>
      eb.or([
        eb('left_in', 'is', null),
        eb(
          'left_in',
          'in',
          eb
            .selectFrom('replaced_tokens')
            .select('id')
            .where('kind', '=', 'member')
            .where('token', '=', token),
        ),
      ]),
    )
    .where('state', '<>', 'DESTROYED')
    .where('cloud_key_id', 'in', (eb) =>
      eb
        .selectFrom('cloud_keys')
        .innerJoin('key_sets', 'key_sets.id', 'cloud_keys.key_set_id')
        .select('cloud_keys.id')
        .where('key_sets.token', '=', token),
    )
    .executeTakeFirstOrThrow();
  if (serials.length > 0 || numUpdatedRows > 0n)
    await trx
      .insertInto('replaced_tokens')
      .values({
        id,
        kind: 'token',
        token,
        serials: JSON.stringify(serials),
        replaced_at: trx.at.toISOString(),
      })
      .execute();
  await trx.deleteFrom('own_key_proofs').where('token', '=', token).execute();
  await forgetShown(trx, token);
  return Number(numUpdatedRows);
}

/** Those that had these names, the last one replaced at the end. */
export async function readReplacedTokens(db: Reading, tokens: readonly string[]): Promise<ReplacedToken[]> {
  if (tokens.length === 0) return [];
  const rows = await db
    .selectFrom('replaced_tokens')
    .selectAll()
    .where('token', 'in', tokens)
    .orderBy('replaced_at')
    .orderBy('id')
    .execute();
  if (rows.length === 0) return [];
  const present = await readTokensOnRecord({ db });
  return rows.map((row) => fromRow(row, present.get(row.token)?.serials ?? []));
}

function fromRow(row: Selectable<ReplacedTokenTable>, present: readonly string[]): ReplacedToken {
  const serials = JSON.parse(row.serials) as string[];
  return {
    ...{
      id: row.id,
      kind: row.kind,
      token: row.token,
      serials,
      replacedAt: row.replaced_at,
      erasedAt: row.erased_at,
    },
    sameSerial: serials.length > 0 && serials.every((serial) => present.includes(serial)),
  };
}

/** HSMs that were not asked when one of their key objects was to be destroyed, and that nobody has said were erased. */
export async function readHsmsNotAsked(db: Reading, tokens: readonly string[]): Promise<ReplacedToken[]> {
  const all = await readReplacedTokens(db, tokens);
  return all.filter(({ kind, erasedAt }) => kind === 'member' && erasedAt === null);
}

/** How many versions that are not DESTROYED were left in each, by id. */
export async function countLeft(db: Reading): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('key_versions')
    .select((eb) => ['left_in', eb.fn.countAll<number>().as('n')])
    .where('left_in', 'is not', null)
    .where('state', '<>', 'DESTROYED')
    .groupBy('left_in')
    .execute();
  return new Map(rows.map(({ left_in, n }) => [left_in ?? '', n]));
}

/** What keeps a version from being destroyed: its key object was left in a token that was replaced, or in an HSM that is not asked. */
export class LeftInReplacedError extends VaultError {
  constructor(left: ReplacedToken) {
    const [isThere, nothing] =
      left.kind === 'member' ? ['may be', 'that one was not asked'] : ['is', 'nothing is destroyed there'];
    super(
      'conflict',
      `its key object ${isThere} in ${replacedInWords(left)}, and ${nothing}`,
      left.kind === 'member' ? remediationOfNotAsked(left) : remediationOfReplaced(left),
    );
  }
}

/** Notes that key objects that were left in a token that was replaced are in the token of the name, which has shown them. */
export async function noteBack(
  { store }: Pick<VaultContext, 'store'>,
  versions: readonly { cloudKeyId: string; version: number; leftIn: string | null }[],
): Promise<void> {
  if (versions.length === 0) return;
  await store.bookkeep('found in a token', async (trx) => {
    for (const { cloudKeyId, version, leftIn } of versions)
      await trx
        .updateTable('key_versions')
        .set({ left_in: null })
        .where('cloud_key_id', '=', cloudKeyId)
        .where('version', '=', version)
        .where('left_in', '=', leftIn)
        .execute();
  });
}

/** Which token it was, and since when it is not the one of the name; or which HSM it is. */
export function replacedInWords({
  kind,
  token,
  serials,
  replacedAt,
}: Omit<ReplacedToken, 'sameSerial'>): string {
  const serial =
    serials.length === 0 ? 'of a serial number not on record' : `of serial ${serials.join(' or ')}`;
  if (kind === 'member')
    return `the HSM ${serial}, which has held the keys of token ${token} and is not in the configuration`;
  return `the token ${serial} that another replaced as ${token} at ${replacedAt}`;
}

function remediationOfNotAsked({ id, token }: Pick<ReplacedToken, 'id' | 'token'>): string {
  return (
    `where a node has it, ${reconcileThere}; where none has it any more, put it back, or erase it by its vendor’s means ` +
    `and then say so: holdfast token record-erased ${token} ${id}`
  );
}

/** Only a management process asks an HSM to destroy a key. */
const reconcileThere = 'run holdfast reconcile run there (it needs admin.enabled = true)';

/** What makes the record of a destruction true again. */
function remediationOfReplaced({ id, token }: Pick<ReplacedToken, 'id' | 'token'>): string {
  return (
    `erase that token by its vendor’s means, then say so: holdfast token record-erased ${token} ${id}; ` +
    `or put it back: stop every node, holdfast init --replace-token ${token}, start them, and reconcile finds its keys`
  );
}

/**
 * Puts on record that no key object is left in a token that was replaced, or in an HSM that was not asked, by the word of who asks:
 * from then on versions that were left in it and are to be destroyed are DESTROYED. The HSM is none of the token's any more, until
 * a node has it again. `inUse` has the serial numbers of HSMs that some node uses. Safe to repeat. Throws VaultError `not-found`,
 * `conflict`.
 */
export async function recordErased(
  { store }: Pick<VaultContext, 'store'>,
  act: Act,
  { token, id, inUse }: { token: string; id: string; inUse: readonly string[] },
): Promise<void> {
  await store.write(act, async (trx) => {
    const replaced = (await readReplacedTokens(trx, [token])).find((one) => one.id === id);
    if (replaced === undefined)
      throw new VaultError(
        'not-found',
        'no token of this id was replaced under this name, and no HSM of this id was not asked',
        `holdfast token show ${token} lists those that were`,
      );
    if (replaced.erasedAt !== null) return;
    const serving = replaced.kind === 'member' && replaced.serials.find((serial) => inUse.includes(serial));
    if (typeof serving === 'string')
      throw new VaultError(
        'conflict',
        `the HSM of serial ${serving} is in use for token ${token}, so that its keys are not erased`,
        `for it to destroy what is to be destroyed, ${reconcileThere}; to give it up, take it out of the configuration of every node first`,
      );
    const erasedAt = trx.at.toISOString();
    await trx
      .updateTable('replaced_tokens')
      .set({ erased_at: erasedAt })
      .where('id', '=', id)
      .where('erased_at', 'is', null)
      .execute();
    const { kind, serials, replacedAt } = replaced;
    if (kind === 'member') {
      await trx
        .deleteFrom('own_key_proofs')
        .where('token', '=', token)
        .where('serial', 'in', serials)
        .execute();
      await forgetShown(trx, token, serials);
    }
    await record(trx, act, {
      ...{ action: 'token.record-erased', vaultId: '', target: { kind: 'replaced-token', id, name: token } },
      before: { serial: serials.join(', '), replacedAt, erasedAt: null },
      after: { serial: serials.join(', '), replacedAt, erasedAt },
    });
  });
}
