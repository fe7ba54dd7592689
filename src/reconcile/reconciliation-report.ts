import type { Selectable, Transaction } from 'kysely';
import type { ReconciliationTable, Tables } from '../store/schema.ts';
import type { VaultContext } from '../vault/context.ts';
import { mergePages, readPage, type Page, type PageInput } from '../vault/page.ts';
import { VaultError } from '../vault/vault-error.ts';
import { tokensOf } from '../vault/granted-tokens.ts';

export const findingKinds = [
  'interrupted',
  'missing',
  'in-replaced-token',
  'orphan',
  'drift',
  'duplicate',
  'unfit',
  'unproven',
  'seal-broken',
] as const;
/**
 * - `interrupted`: an act that did not come to its end; it was ended or undone.
 * - `missing`: the store has a version that the token has no key object for. What was encrypted with it cannot be read.
 * - `in-replaced-token`: a version whose key object was left in a token that another replaced, and is not in that one.
 * - `orphan`: a key object of ours that no record knows.
 * - `drift`: a key object that is not as we made it, or not as its record says.
 * - `duplicate`: several key objects with one CKA_ID; none of them can be used.
 * - `unfit`: a key object that is not the key of the version on record; nothing is done with it.
 * - `unproven`: a version of before that had no proof of its key; one was made of what is in the token.
 * - `seal-broken`: a sealed secret that does not belong to the record that it is in; it opens nothing.
 */
export type FindingKind = (typeof findingKinds)[number];

export const findingOutcomes = [
  'finished',
  'undone',
  'destroyed',
  're-entered',
  'proven',
  'failed',
  'none',
] as const;
/** What was done about it. Nothing for `none`: somebody has to look. */
export type FindingOutcome = (typeof findingOutcomes)[number];

export interface Finding {
  kind: FindingKind;
  outcome: FindingOutcome;
  /** In a sentence, for an operator. */
  detail: string;
  /** Null where no record says, as are the others. */
  vaultId: string | null;
  keySetId: string | null;
  cloudKeyId: string | null;
  name: string | null;
  externalKeyId: string | null;
  version: number | null;
  /** CKA_ID in hexadecimal digits. */
  objectId: string;
  /** CKA_LABEL, where the token was asked for it. */
  label: string | null;
  /** The member of the HSM group whose key object it is about, where another member has the right one. */
  member: string | null;
}

/** One token against the records of the key sets that use it. */
export interface TokenComparison {
  token: string;
  /** False where it could not be compared, or not to the end; `problem` says why. */
  compared: boolean;
  problem: string | null;
  /** Our key objects in it; null where it was not asked, and where a vault sees what is of all. */
  keyObjects: number | null;
  /** How many findings of each kind, those that are not listed too. */
  counts: Record<FindingKind, number>;
  /** At most {@link maxFindings}. */
  findings: Finding[];
}

export interface Reconciliation {
  id: string;
  /** The vault that it was confined to; '' for all. */
  vaultId: string;
  beganAt: string;
  endedAt: string;
  /** 'start', or who asked. */
  askedBy: string;
  /** Every token was compared, and there is nothing that somebody has to look at. */
  clean: boolean;
  tokens: TokenComparison[];
}

/** So many findings of a token are listed. */
export const maxFindings = 1000;

/** What a list may be sorted by. */
export const reconciliationOrders = { beganAt: 'reconciliations.began_at' } as const;

export function emptyComparison(token: string): TokenComparison {
  return {
    token,
    compared: false,
    problem: null,
    keyObjects: null,
    counts: noCounts(),
    findings: [],
  };
}

/** Nothing was done about it, or it failed. */
export function needsSomebody({ outcome }: Finding): boolean {
  return outcome === 'none' || outcome === 'failed';
}

export function isClean(tokens: readonly TokenComparison[]): boolean {
  return tokens.every(
    ({ compared, counts, findings }) =>
      compared &&
      // Of proofs made for a store of before there may be more than are listed: nobody has to look at them.
      Object.values(counts).reduce((all, count) => all + count) - counts.unproven ===
        findings.filter(({ kind }) => kind !== 'unproven').length &&
      !findings.some(needsSomebody),
  );
}

export async function insertReconciliation(
  trx: Transaction<Tables>,
  { id, vaultId, beganAt, endedAt, askedBy, tokens }: Reconciliation,
): Promise<void> {
  await trx
    .insertInto('reconciliations')
    .values({
      id,
      vault_id: vaultId,
      began_at: beganAt,
      ended_at: endedAt,
      asked_by: askedBy,
      report: JSON.stringify(tokens),
    })
    .execute();
}

/** Reports of the appliance (''), or what those and a vault's own say of the vault. */
export async function listReconciliations(
  { store }: Pick<VaultContext, 'store'>,
  seenFrom: string,
  page: PageInput,
): Promise<Page<Reconciliation>> {
  const pages = [];
  for (const scope of scopesOf(seenFrom)) {
    const through = store.db.selectFrom('reconciliations').where('vault_id', '=', scope);
    pages.push(
      await readPage(through.selectAll(), through, reconciliationOrders, 'reconciliations.id', page),
    );
  }
  const sort = page.sort ?? Object.keys(reconciliationOrders)[0];
  const rows = mergePages(pages, { ...page, sort }, ({ began_at, id }) => [began_at, id]);
  const tokens = await tokensSeen(store, seenFrom);
  return { items: rows.items.map((row) => fromRow(row, seenFrom, tokens)), next: rows.next };
}

/** Throws VaultError `not-found`. */
export async function getReconciliation(
  { store }: Pick<VaultContext, 'store'>,
  seenFrom: string,
  id: string,
): Promise<Reconciliation> {
  const row = await store.db
    .selectFrom('reconciliations')
    .selectAll()
    .where('id', '=', id)
    .where('vault_id', 'in', scopesOf(seenFrom))
    .executeTakeFirst();
  if (row === undefined) throw new VaultError('not-found', 'there is no such reconciliation');
  return fromRow(row, seenFrom, await tokensSeen(store, seenFrom));
}

/** What is confined to a vault is the vault's own affair; what is of all is seen by each vault in its part. */
function scopesOf(seenFrom: string): string[] {
  return seenFrom === '' ? [''] : ['', seenFrom];
}

/** A vault learns nothing of tokens that it may not use, not even their names. */
async function tokensSeen({ db }: VaultContext['store'], seenFrom: string): Promise<ReadonlySet<string>> {
  const vault = await db.selectFrom('vaults').select('tokens').where('id', '=', seenFrom).executeTakeFirst();
  const used = await db
    .selectFrom('key_sets')
    .select('token')
    .where('vault_id', '=', seenFrom)
    .distinct()
    .execute();
  const may = vault === undefined ? [] : tokensOf(vault);
  return new Set([...may, ...used.map(({ token }) => token)]);
}

function fromRow(
  row: Selectable<ReconciliationTable>,
  seenFrom: string,
  seen: ReadonlySet<string>,
): Reconciliation {
  const all = JSON.parse(row.report) as TokenComparison[];
  // A report of before knows fewer kinds.
  for (const told of all) {
    told.counts = { ...noCounts(), ...told.counts };
    // Or tells the member in its sentence alone.
    for (const finding of told.findings) finding.member ??= null;
  }
  const isOfAll = row.vault_id === '' && seenFrom !== '';
  const tokens = isOfAll
    ? all.filter(({ token }) => seen.has(token)).map((comparison) => partOf(comparison, seenFrom))
    : all;
  return {
    id: row.id,
    vaultId: row.vault_id,
    beganAt: row.began_at,
    endedAt: row.ended_at,
    askedBy: isOfAll && row.asked_by !== 'start' ? 'appliance' : row.asked_by,
    clean: isClean(tokens),
    tokens,
  };
}

function partOf(comparison: TokenComparison, vaultId: string): TokenComparison {
  const findings = comparison.findings.filter((finding) => finding.vaultId === vaultId);
  const counts = noCounts();
  for (const { kind } of findings) counts[kind]++;
  return { ...comparison, keyObjects: null, counts, findings };
}

function noCounts(): Record<FindingKind, number> {
  return {
    interrupted: 0,
    missing: 0,
    'in-replaced-token': 0,
    orphan: 0,
    drift: 0,
    duplicate: 0,
    unfit: 0,
    unproven: 0,
    'seal-broken': 0,
  };
}
