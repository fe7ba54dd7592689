import type { Transaction } from 'kysely';
import { aftermathOf, record, type Act, type AuditEntry } from '../evidence/trail.ts';
import type { Tables } from '../store/schema.ts';
import { ckrName, TokenError } from '../token/faults.ts';
import type { FoundKey } from '../token/messages.ts';
import type { VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { askMember, membersInUse } from './hsm/group-members.ts';

/** A key object of another's making, which is to be adopted. */
export interface ObjectToRestrict {
  vaultId: string;
  token: string;
  /** CKA_LABEL, by which it was found. */
  label: string;
  found: FoundKey;
}

/**
 * Has what a key object may do beyond a CloudKey's use set to false in the token, for good. On record before the token is
 * asked, with `check` in the same transaction, and again with what came of it. Throws VaultError where the token refuses,
 * TokenError, and what `check` throws.
 */
export async function restrictKeyObject(
  context: VaultContext,
  act: Act,
  { vaultId, token, label, found }: ObjectToRestrict,
  check: (trx: Transaction<Tables>) => Promise<void>,
): Promise<void> {
  const { id: key, excess } = found;
  const allowed = (value: boolean) => Object.fromEntries(excess.map((name) => [name, value]));
  const entry = (verb: string): AuditEntry => ({
    action: `key-object.${verb}`,
    vaultId,
    target: { kind: 'key-object', id: Buffer.from(key).toString('hex'), name: label },
  });
  await context.store.write(act, async (trx) => {
    await check(trx);
    await record(trx, act, { ...entry('begin-restriction'), after: { token, setToFalse: excess } });
  });
  // Whether or not the actor still may: it is done, or was tried.
  const aftermath = aftermathOf(act);
  try {
    const pool = context.tokens.pool(token);
    // Members of one security world share the object: what is false already stays so.
    for (const member of membersInUse(pool))
      await askMember(pool, member, async (options) =>
        pool.call({ kind: 'restrictKey', key, label }, options),
      );
  } catch (error) {
    await context.store.write(aftermath, async (trx) => {
      const after = { token, problem: error instanceof TokenError ? error.message : 'internal server error' };
      await record(trx, aftermath, { ...entry('restrict'), outcome: 'refused', after });
    });
    throw isRefusal(error) ? refusal(error, found) : error;
  }
  await context.store.write(aftermath, async (trx) => {
    await record(trx, aftermath, {
      ...entry('restrict'),
      before: allowed(true),
      after: { token, ...allowed(false) },
    });
  });
}

/** The token's last word on the key, and not a failure that may pass. */
function isRefusal(error: unknown): error is TokenError {
  if (!(error instanceof TokenError)) return false;
  return error.fault === 'key-unfit' || (error.fault === 'internal' && error.call === 'C_SetAttributeValue');
}

function refusal({ call, rv, detail, message }: TokenError, { excess }: FoundKey): VaultError {
  const said = rv === undefined ? (detail ?? message) : `${call} said ${ckrName(rv)}`;
  return new VaultError(
    'conflict',
    `the token does not have ${excess.join(', ')} set to false: ${said}`,
    remediationOfFixedKey,
  );
}

export const remediationOfFixedKey =
  'where the vendor’s own tool cannot change it either, make a CloudKey and re-encrypt under it; docs/migration.md has ' +
  'both ways';
