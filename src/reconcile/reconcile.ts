import { tokensOf } from '../vault/granted-tokens.ts';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { record, type Act } from '../evidence/trail.ts';
import { monotonicNow } from '../clock.ts';
import { TokenError } from '../token/faults.ts';
import { tokenWords } from '../token/remediations.ts';
import type { ListedKey } from '../token/messages.ts';
import type { KeyContext } from '../keys/followers.ts';
import { membersInUse } from '../keys/hsm/group-members.ts';
import { readReplacedTokens, type ReplacedToken } from '../keys/replaced-tokens.ts';
import type { VaultContext } from '../vault/context.ts';
import { settleInterrupted } from './reconcile-interrupted.ts';
import { Orphans } from './reconcile-orphans.ts';
import { keyPages, versionPages, type Comparing } from './reconcile-records.ts';
import {
  emptyComparison,
  insertReconciliation,
  isClean,
  type Reconciliation,
} from './reconciliation-report.ts';
import { IdentityCheck } from './reconcile-identities.ts';
import { whyNotAll } from './reconcile-members.ts';
import { compareOtherMembers } from './reconcile-other-members.ts';
import { compareSeals } from './reconcile-seals.ts';
import { compareVersion } from './reconcile-versions.ts';
import { managementDeadline } from '../vault/tokens.ts';
import { VaultError } from '../vault/vault-error.ts';

/** What is being compared in this process: by whom, and of which vault, or of all. */
const underWay = new WeakMap<VaultContext['store'], Set<string>>();

export interface ReconcileInput {
  /** Only the records of this vault, and key objects whose labels name its key sets. */
  vaultId?: string | undefined;
  /** 'start', or the name of the user who asks. */
  askedBy: string;
  /** Called once what was interrupted is put right on every token that can be asked; the comparison goes on. */
  onSettled?: (() => void) | undefined;
  /** Nobody waits for it: it leaves half of the time to others. */
  unhurried?: boolean | undefined;
}

/**
 * Compares what the store says with what the tokens hold, ends acts that were interrupted, and reports the rest. Does
 * nothing that would lose a key: objects that nobody knows are told, not destroyed. Run when a node starts and when
 * somebody asks; one at a time for all, or for a vault. A token that cannot be asked is reported as such. Throws
 * VaultError `conflict`.
 */
export async function reconcile(
  context: KeyContext,
  act: Act,
  input: ReconcileInput,
): Promise<Reconciliation> {
  const scopes = underWay.get(context.store) ?? new Set();
  underWay.set(context.store, scopes);
  const scope = `${context.instance} ${input.vaultId ?? ''}`;
  if (scopes.has(scope))
    throw new VaultError('conflict', 'it is already being compared', 'look at the latest report in a moment');
  scopes.add(scope);
  try {
    return await compare(context, act, input);
  } finally {
    scopes.delete(scope);
  }
}

async function compare(
  context: KeyContext,
  act: Act,
  { vaultId, askedBy, onSettled, unhurried = false }: ReconcileInput,
): Promise<Reconciliation> {
  const beganAt = context.now().toISOString();
  // The Idempotency-Key is of the report, not of what is found on the way.
  const { idempotency: _, ...inner } = act;
  const names = await tokensToCompare(context, vaultId);
  const replaced = await replacedById(context, names);
  const comparisons = names.map((token) => ({
    context,
    act: inner,
    token,
    vaultId,
    unhurried,
    comparison: emptyComparison(token),
    replaced,
    members: context.tokens.has(token) ? membersInUse(context.tokens.pool(token)) : [],
  }));
  for (const comparing of comparisons) await unlessSilent(comparing, settleToken);
  onSettled?.();
  for (const comparing of comparisons)
    if (comparing.comparison.problem === null) await unlessSilent(comparing, compareToken);
  const tokens = comparisons.map(({ comparison }) => comparison);
  const reconciliation: Reconciliation = {
    id: randomUUID(),
    vaultId: vaultId ?? '',
    beganAt,
    endedAt: context.now().toISOString(),
    askedBy,
    clean: isClean(tokens),
    tokens,
  };
  await context.store.write(act, async (trx) => {
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

async function replacedById(
  { store }: VaultContext,
  tokens: readonly string[],
): Promise<ReadonlyMap<string, ReplacedToken>> {
  return new Map((await readReplacedTokens(store.db, tokens)).map((one) => [one.id, one]));
}

/** Those of the configuration that the vault may use, and those that records name. */
async function tokensToCompare(
  { store, tokens }: VaultContext,
  vaultId: string | undefined,
): Promise<string[]> {
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

/** What a token does not do ends its part alone, and is told. */
async function unlessSilent(
  comparing: Comparing,
  part: (comparing: Comparing) => Promise<void>,
): Promise<void> {
  try {
    await part(comparing);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const { problem, remediation } = tokenWords(error);
    comparing.comparison.problem = `${problem}; ${remediation}`;
  }
}

async function settleToken(comparing: Comparing): Promise<void> {
  const { context, token, comparison } = comparing;
  if (!context.tokens.has(token)) {
    comparison.problem = 'the configuration of this node does not name the token, and key sets use it';
    return;
  }
  // First of all: a token that does not answer is not asked for one key after another.
  await context.tokens.pool(token).call({ kind: 'health' }, managementDeadline());
  await settleInterrupted(comparing);
}

/**
 * Goes through the key objects of the token and the versions on record side by side, both in the order of CKA_IDs: a page
 * of each is all that is in memory.
 */
async function compareToken(comparing: Comparing): Promise<void> {
  const { context, token, vaultId, unhurried, comparison } = comparing;
  const identities = new IdentityCheck(comparing);
  const orphans = new Orphans(comparing);
  let count = 0;
  let after: Uint8Array = Buffer.alloc(0);
  const compareUpTo = async (upTo: Uint8Array | undefined, listed: readonly ListedKey[]): Promise<void> => {
    const objects = new Map(listed.map((key) => [Buffer.from(key.id).toString('hex'), key]));
    for await (const rows of versionPages(comparing, after, upTo))
      for (const row of rows) {
        const id = row.objectId.toString('hex');
        const object = objects.get(id);
        objects.delete(id);
        if (row.token !== token || (vaultId !== undefined && row.vaultId !== vaultId)) continue;
        await compareVersion(comparing, identities, row, object);
      }
    for (const [id, object] of objects) await orphans.settle(id, object);
  };
  const [first = ''] = comparing.members;
  for await (const keys of keyPages(context.tokens.pool(token), first)) {
    const last = keys.at(-1)?.id;
    if (last === undefined) continue;
    count += keys.length;
    const began = monotonicNow();
    await compareUpTo(last, keys);
    after = last;
    if (unhurried) await delay(monotonicNow() - began);
  }
  await compareUpTo(undefined, []);
  await compareOtherMembers(comparing, orphans);
  if (vaultId === undefined) comparison.keyObjects = count;
  await identities.end();
  await orphans.end();
  await compareSeals(comparing);
  comparison.problem = whyNotAll(comparing) ?? null;
  comparison.compared = comparison.problem === null;
}
