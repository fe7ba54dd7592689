import { tokensOf } from './vault-tokens.ts';
import { randomUUID } from 'node:crypto';
import { record, type Act } from '../audit/trail.ts';
import { TokenError } from '../token/faults.ts';
import { tokenWords } from '../token/ways-out.ts';
import type { KeyAttributes, ListedKey } from '../token/messages.ts';
import { isOwnKey } from '../token/own-keys.ts';
import type { House } from './house.ts';
import { recordedDifferences, settleInterrupted } from './reconcile-interrupted.ts';
import { settleOrphans } from './reconcile-orphans.ts';
import {
  about,
  keysInToken,
  tell,
  versionsOnRecord,
  type Comparing,
  type VersionOnRecord,
} from './reconcile-records.ts';
import {
  emptyComparison,
  insertReconciliation,
  isClean,
  type Reconciliation,
  type TokenComparison,
} from './reconciliation-report.ts';
import { whyNotOrdered } from './destruction-orders.ts';
import { identityOfVersion } from './key-identities.ts';
import { IdentityCheck } from './reconcile-identities.ts';
import { compareSeals } from './reconcile-seals.ts';
import { managementDeadline } from './token-rooms.ts';
import { VaultError } from './vault-error.ts';

/** What is being compared in this process: by whom, and of which vault, or of all. */
const underWay = new WeakMap<House['store'], Set<string>>();

export interface ReconcileWish {
  /** Only the records of this vault, and key objects whose labels name its key sets. */
  vaultId?: string | undefined;
  /** 'start', or the name of the user who asks. */
  askedBy: string;
}

/**
 * Compares what the store says with what the tokens hold, ends acts that were interrupted, and reports the rest. Does
 * nothing that would lose a key: objects that nobody knows are told, not destroyed. Run when a node starts and when
 * somebody asks; one at a time for all, or for a vault. A token that cannot be asked is reported as such. Throws
 * VaultError `conflict`.
 */
export async function reconcile(house: House, act: Act, wish: ReconcileWish): Promise<Reconciliation> {
  const scopes = underWay.get(house.store) ?? new Set();
  underWay.set(house.store, scopes);
  const scope = `${house.instance} ${wish.vaultId ?? ''}`;
  if (scopes.has(scope))
    throw new VaultError('conflict', 'it is being compared already', 'look at the latest report in a moment');
  scopes.add(scope);
  try {
    return await compare(house, act, wish);
  } finally {
    scopes.delete(scope);
  }
}

async function compare(house: House, act: Act, { vaultId, askedBy }: ReconcileWish): Promise<Reconciliation> {
  const beganAt = house.now().toISOString();
  // The Idempotency-Key is of the report, not of what is found on the way.
  const { idempotency: _, ...inner } = act;
  const tokens: TokenComparison[] = [];
  for (const token of await tokensToCompare(house, vaultId))
    tokens.push(
      await compareToken({ house, act: inner, token, vaultId, comparison: emptyComparison(token) }),
    );
  const reconciliation: Reconciliation = {
    id: randomUUID(),
    vaultId: vaultId ?? '',
    beganAt,
    endedAt: house.now().toISOString(),
    askedBy,
    clean: isClean(tokens),
    tokens,
  };
  await house.store.write(act, async (trx) => {
    await insertReconciliation(trx, reconciliation);
    await record(trx, act, {
      action: 'reconciliation.run',
      vaultId: reconciliation.vaultId,
      target: { kind: 'reconciliation', id: reconciliation.id, name: askedBy },
      after: {
        clean: reconciliation.clean,
        tokens: tokens.map(({ token, compared, problem, counts }) => ({ token, compared, problem, counts })),
      },
      creates: true,
    });
  });
  return reconciliation;
}

/** Those of the configuration that the vault may use, and those that records name. */
async function tokensToCompare({ store, tokens }: House, vaultId: string | undefined): Promise<string[]> {
  let keySets = store.db.selectFrom('key_sets').select('token').distinct();
  if (vaultId !== undefined) keySets = keySets.where('vault_id', '=', vaultId);
  const used = (await keySets.execute()).map(({ token }) => token);
  const configured = tokens.all.map(({ name }) => name);
  if (vaultId === undefined) return [...new Set([...configured, ...used])];
  const vault = await store.db
    .selectFrom('vaults')
    .select('tokens')
    .where('id', '=', vaultId)
    .executeTakeFirst();
  const granted = vault === undefined ? [] : tokensOf(vault);
  return [...new Set([...configured.filter((name) => granted.includes(name)), ...used])];
}

async function compareToken(comparing: Comparing): Promise<TokenComparison> {
  const { house, token, comparison } = comparing;
  if (!house.tokens.has(token)) {
    comparison.problem = 'the configuration of this node does not name the token, and key sets use it';
    return comparison;
  }
  try {
    // First of all: a token that does not answer is not asked for one key after another.
    await house.tokens.pool(token).call({ kind: 'health' }, managementDeadline());
    await settleInterrupted(comparing);
    const objects = await keysInToken(house.tokens.pool(token));
    if (comparing.vaultId === undefined) comparison.keyObjects = objects.size;
    await compareVersions(comparing, objects);
    await settleOrphans(comparing, objects);
    await compareSeals(comparing);
    comparison.compared = true;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { problem, wayOut } = tokenWords(error);
    comparison.problem = `${problem}; ${wayOut}`;
  }
  return comparison;
}

async function compareVersions(comparing: Comparing, objects: ReadonlyMap<string, ListedKey>): Promise<void> {
  const identities = new IdentityCheck(comparing);
  for (const row of await versionsOnRecord(comparing)) {
    const object = objects.get(row.objectId.toString('hex'));
    if (object !== undefined && object.objects > 1) tellDuplicate(comparing, row, object.label);
    else if (row.state === 'ACTIVE') await compareActive(comparing, identities, row, object);
    else if (row.state === 'DESTROYED' && object !== undefined) await destroyAgain(comparing, row);
  }
  await identities.end();
}

/** Where it is not in the list its object has no label of ours, or was made or destroyed meanwhile; only then is it missing. */
async function compareActive(
  comparing: Comparing,
  identities: IdentityCheck,
  row: VersionOnRecord,
  listed: KeyAttributes | undefined,
): Promise<void> {
  const { house, token } = comparing;
  if (isOwnKey(row.objectId)) return tellOwnKey(comparing, row);
  try {
    const pool = house.tokens.pool(token);
    const object =
      listed ?? (await pool.call({ kind: 'inspectKey', key: row.objectId }, managementDeadline())).value;
    if (await identities.isFit(row, object.label)) tellDrift(comparing, row, object);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    if (error.fault === 'key-duplicate') return tellDuplicate(comparing, row, null);
    if (error.fault !== 'key-missing') throw error;
    if (!(await isStillActive(comparing, row))) return;
    tell(comparing, {
      kind: 'missing',
      outcome: 'none',
      detail:
        'the token has no key object for this version: what was encrypted with it cannot be read until the key object ' +
        'is restored from a backup of the token',
      ...about(row),
    });
  }
}

/** No CloudKey of ours ever had it: the record was altered. */
function tellOwnKey(comparing: Comparing, row: VersionOnRecord): void {
  tell(comparing, {
    kind: 'unfit',
    outcome: 'none',
    detail: 'the record names a key of Holdfast’s own, which is no CloudKey’s; nothing is done with it',
    ...about(row),
  });
}

async function isStillActive(
  { house }: Comparing,
  { cloudKeyId, version }: VersionOnRecord,
): Promise<boolean> {
  const row = await house.store.db
    .selectFrom('key_versions')
    .select('state')
    .where('cloud_key_id', '=', cloudKeyId)
    .where('version', '=', version)
    .executeTakeFirst();
  return row?.state === 'ACTIVE';
}

function tellDrift(comparing: Comparing, row: VersionOnRecord, told: KeyAttributes): void {
  // A key that was taken over was not made here: where it was born is no complaint.
  const complaints = row.origin === 'holdfast' || !told.fit ? told.complaints : [];
  const wrong = [...new Set([...complaints, ...recordedDifferences(row, told)])];
  if (wrong.length === 0) return;
  tell(comparing, {
    kind: 'drift',
    outcome: 'none',
    detail: `the key object is not as it was made: ${wrong.join(', ')}`,
    ...about(row, told.label),
  });
}

function tellDuplicate(comparing: Comparing, row: VersionOnRecord, label: string | null): void {
  tell(comparing, {
    kind: 'duplicate',
    outcome: 'none',
    detail:
      'several key objects of the token have this CKA_ID; requests for this version fail until one is left',
    ...about(row, label),
  });
}

/** A token that was slow made it after all, or it was restored from a backup of the token. */
async function destroyAgain(comparing: Comparing, row: VersionOnRecord): Promise<void> {
  const { house, token } = comparing;
  const done = await destroyOnce(house, row, token);
  tell(comparing, {
    kind: 'interrupted',
    ...(done === undefined
      ? {
          outcome: 'destroyed' as const,
          detail: 'the key object of a destroyed version was in the token again; it is destroyed now',
        }
      : {
          outcome: 'failed' as const,
          detail: `the key object of a destroyed version is in the token, and is left there: ${done}`,
        }),
    ...about(row),
  });
}

/** Why it was not destroyed; undefined where it was. Throws TokenError where the token could not do it. */
async function destroyOnce(house: House, row: VersionOnRecord, token: string): Promise<string | undefined> {
  const notOrdered = await whyNotOrdered(house.store.db, row, house.now());
  if (notOrdered !== undefined) return notOrdered;
  try {
    await house.tokens
      .pool(token)
      .call(
        { kind: 'destroyKey', key: row.objectId, identity: identityOfVersion(row) },
        managementDeadline(),
      );
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenError) || error.fault !== 'key-unfit') throw error;
    return error.detail ?? error.message;
  }
}
