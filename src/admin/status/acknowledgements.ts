import { createHash } from 'node:crypto';
import { record, type Act } from '../../evidence/trail.ts';
import type { AcknowledgementTable } from '../../store/schema.ts';
import type { VaultContext } from '../../vault/context.ts';
import { parseDescription } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { StatusFinding, Trouble } from './findings.ts';
import { maxThings } from './troubles.ts';

/*
 * A finding that somebody has seen and judged. What is acknowledged is each thing that the finding is about, as it was then:
 * a finding needs attention again as soon as there is one more, or one of them is otherwise, and what has gone and comes back
 * is new. So nothing is acknowledged for ever.
 */

/**
 * What can be acknowledged: what may be meant so, or be known and planned for. Not what keeps keys from being used now or may
 * lose something, nor what is of one node alone, of which the others could not tell when it is over.
 */
export const acknowledgeable: Readonly<Record<Trouble, boolean>> = {
  STORE_UNWRITABLE: false,
  STORE_WENT_BACK: false,
  STORE_NOT_DURABLE: false,
  TOKEN_DOWN: false,
  TOKEN_DEGRADED: false,
  PIN_REFUSED: false,
  TOKEN_OWN_KEY_UNFIT: false,
  TOKEN_IVS_MAY_REPEAT: true,
  CERTIFICATE_EXPIRED: false,
  CERTIFICATE_ENDS: false,
  CERTIFICATE_NOT_TAKEN: false,
  DISK_NEARLY_FULL: false,
  LEASE_ENDED: false,
  NODE_DOWN: false,
  NODE_DRAINED: true,
  CLOCK_OFF: false,
  HISTORY_NOT_KEPT: false,
  SUPERVISOR_SILENT: false,
  QUOTA_NEAR: false,
  RECONCILIATION_FINDINGS: true,
  HSM_NOT_ASKED: true,
  VAULT_FROZEN: false,
  KEY_SET_FROZEN: true,
  KEY_PROOF_FAILED: false,
  ENCRYPTION_LIMIT_NEAR: false,
  ROTATION_OVERDUE: true,
  KEY_STORE_NOT_CONNECTED: true,
  KMS_KEY_DRIFT: true,
  KMS_KEY_FAILED: true,
  CREDENTIAL_OLD: true,
  CREDENTIAL_ENDS: true,
};

export interface Acknowledgement {
  /** Who it was. */
  by: string;
  at: string;
  until: string | null;
  note: string;
}

/** A finding as people see it. */
export interface JudgedFinding extends StatusFinding {
  /** Of the finding as it is; null where it cannot be acknowledged. */
  fingerprint: string | null;
  /** Of all that it is about; none where anything of that is new. */
  acknowledgements: Acknowledgement[];
}

export interface AcknowledgeInput {
  fingerprint: string;
  note: string;
  until?: string | null | undefined;
}

/** The rest is for the next look. */
const endedAtOnce = 500;

/** Of so many things somebody can have seen each: that many are kept of a finding. */
function thingsOf({ trouble, things }: StatusFinding): readonly string[] | undefined {
  if (!acknowledgeable[trouble] || things === undefined) return undefined;
  return things.length === 0 || things.length > maxThings ? undefined : things;
}

/** `vaultId` is '' for the appliance. */
export async function judged(
  { store: { db }, now }: Pick<VaultContext, 'store' | 'now'>,
  vaultId: string,
  findings: readonly StatusFinding[],
): Promise<JudgedFinding[]> {
  const troubles = [...new Set(findings.filter(thingsOf).map(({ trouble }) => trouble))];
  const at = now().toISOString();
  const rows =
    troubles.length === 0
      ? []
      : await db
          .selectFrom('acknowledgements')
          .selectAll()
          .where('vault_id', '=', vaultId)
          .where('trouble', 'in', troubles)
          .where((eb) => eb.or([eb('until', 'is', null), eb('until', '>', at)]))
          .execute();
  const byThing = new Map(rows.map((row) => [`${row.trouble} ${row.thing}`, row]));
  return findings.map((finding) => {
    const things = thingsOf(finding);
    const found = (things ?? []).flatMap((thing) => byThing.get(`${finding.trouble} ${thing}`) ?? []);
    const isWhole = things !== undefined && found.length === things.length;
    return {
      ...finding,
      fingerprint: things === undefined ? null : fingerprintOf(finding, things),
      acknowledgements: isWhole ? distinct(found) : [],
    };
  });
}

/** One act is on many things. */
function distinct(rows: readonly AcknowledgementTable[]): Acknowledgement[] {
  const acts = new Map(rows.map((row) => [`${row.at} ${row.actor_name}`, row]));
  return [...acts.values()]
    .toSorted((one, other) => (one.at < other.at ? 1 : -1))
    .map(({ actor_name, at, until, note }) => ({ by: actor_name, at, until, note }));
}

function fingerprintOf({ trouble, where }: StatusFinding, things: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([trouble, where, things.toSorted()]))
    .digest('base64url');
}

/** Of `findings`, which are what the caller sees now. Throws VaultError. */
export async function acknowledge(
  { store }: Pick<VaultContext, 'store'>,
  act: Act,
  vaultId: string,
  findings: readonly JudgedFinding[],
  input: AcknowledgeInput,
): Promise<JudgedFinding> {
  const finding = seenNow(findings, input.fingerprint);
  const until = input.until ?? null;
  const note = parseDescription(input.note.trim());
  if (note === '') throw new VaultError('invalid', 'the note is empty', 'say why nothing has to be done');
  return store.write(act, async (trx) => {
    const at = trx.at.toISOString();
    if (until !== null && until <= at)
      throw new VaultError('invalid', 'the time until which it is acknowledged is over already');
    const said = { actor_name: act.actor.name, note, at, until, place: finding.where };
    await trx
      .insertInto('acknowledgements')
      .values(
        (finding.things ?? []).map((thing) =>
          Object.assign({ vault_id: vaultId, trouble: finding.trouble, thing }, said),
        ),
      )
      .onConflict((conflict) => conflict.columns(['vault_id', 'trouble', 'thing']).doUpdateSet(said))
      .execute();
    await record(trx, act, {
      ...{ action: 'finding.acknowledge', vaultId, target: targetOf(finding) },
      after: { message: finding.message, things: finding.things?.length ?? 0, note, until },
    });
    return { ...finding, acknowledgements: [{ by: act.actor.name, at, until, note }] };
  });
}

/** Has the finding need attention again. Throws VaultError. */
export async function withdrawAcknowledgement(
  { store }: Pick<VaultContext, 'store'>,
  act: Act,
  vaultId: string,
  findings: readonly JudgedFinding[],
  fingerprint: string,
): Promise<JudgedFinding> {
  const finding = seenNow(findings, fingerprint);
  return store.write(act, async (trx) => {
    const gone = await trx
      .deleteFrom('acknowledgements')
      .where('vault_id', '=', vaultId)
      .where('trouble', '=', finding.trouble)
      .where('thing', 'in', finding.things ?? [])
      .returningAll()
      .execute();
    if (gone.length > 0)
      await record(trx, act, {
        ...{ action: 'finding.withdraw-acknowledgement', vaultId, target: targetOf(finding) },
        before: { acknowledgements: distinct(gone) },
      });
    return { ...finding, acknowledgements: [] };
  });
}

/** What somebody has not seen as it is now is not acknowledged by them. */
function seenNow(findings: readonly JudgedFinding[], fingerprint: string): JudgedFinding {
  const finding = findings.find((one) => one.fingerprint === fingerprint);
  if (finding === undefined)
    throw new VaultError(
      'conflict',
      'no finding is now as it was when you saw it: it has changed, or is over',
      'look again: holdfast status',
    );
  return finding;
}

function targetOf({ trouble, where }: Pick<StatusFinding, 'trouble' | 'where'>) {
  return { kind: 'finding', id: trouble, name: where };
}

/**
 * Ends those whose thing is no more or is otherwise, and those whose time is over: what comes back needs attention again.
 * `findings` are all that the vault has, whoever may see them; what of `unknown` there is cannot be told now.
 */
export async function endAcknowledgements(
  { store }: Pick<VaultContext, 'store'>,
  act: Act,
  vaultId: string,
  findings: readonly StatusFinding[],
  unknown: ReadonlySet<Trouble>,
): Promise<number> {
  const byTrouble = Map.groupBy(findings, ({ trouble }) => trouble);
  return store.write(act, async (trx) => {
    const rows = await trx
      .selectFrom('acknowledgements')
      .selectAll()
      .where('vault_id', '=', vaultId)
      .execute();
    const at = trx.at.toISOString();
    const over = rows.filter((row) => {
      if (row.until !== null && row.until <= at) return true;
      if (unknown.has(row.trouble as Trouble)) return false;
      const now = byTrouble.get(row.trouble as Trouble) ?? [];
      // Of too many it is not known which they are.
      return now.every(({ things }) => things !== undefined && !things.includes(row.thing));
    });
    for (const [of, those] of Map.groupBy(
      over.slice(0, endedAtOnce),
      ({ trouble, place }) => `${trouble} ${place}`,
    )) {
      const [first] = those;
      if (first === undefined) continue;
      await trx
        .deleteFrom('acknowledgements')
        .where('vault_id', '=', vaultId)
        .where('trouble', '=', first.trouble)
        .where(
          'thing',
          'in',
          those.map(({ thing }) => thing),
        )
        .execute();
      const isTime = those.every(({ until }) => until !== null && until <= at);
      await record(trx, act, {
        action: 'finding.end-acknowledgement',
        vaultId,
        target: { kind: 'finding', id: first.trouble, name: of.slice(first.trouble.length + 1) },
        before: { acknowledgements: distinct(those) },
        after: { because: isTime ? 'its time is over' : 'it is no more as it was acknowledged' },
      });
    }
    return Math.min(over.length, endedAtOnce);
  });
}
