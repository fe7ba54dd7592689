import type { Selectable } from 'kysely';
import { record, type Act } from '../../evidence/trail.ts';
import type { KeySet } from '../../keys/key-sets/key-sets.ts';
import type { DoctorReportTable } from '../../store/schema.ts';
import type { VaultContext } from '../../vault/context.ts';
import { findStoreIn, getExternalKeyStore } from './records.ts';

/*
 * What the doctor found of an external key store. It is not the node that looks: who may name an endpoint would have the node
 * connect to whatever they like. Whoever runs the doctor, from wherever AWS's way can be looked at, hands its findings in.
 */

/** As the doctor tells it (docs/doctor.md). */
export interface ReportedFinding {
  id: string;
  level: 'OK' | 'WARNING' | 'PROBLEM' | 'SKIPPED';
  title: string;
  subject: string | null;
  seen: string;
  why: string;
  remediation: string | null;
}

export interface DoctorReport {
  at: string;
  /** Who ran it, and on which machine as they say. */
  by: string;
  hostname: string;
  endpoint: string;
  findings: readonly ReportedFinding[];
}

interface OnStore {
  keySet: KeySet;
  id: string;
}

/** The last one; null where there is none. Throws VaultError `not-found`. */
export async function getDoctorReport(
  context: Pick<VaultContext, 'store'>,
  { keySet, id }: OnStore,
): Promise<DoctorReport | null> {
  await getExternalKeyStore(context, keySet, id);
  const row = await context.store.db
    .selectFrom('doctor_reports')
    .selectAll()
    .where('external_key_store_id', '=', id)
    .executeTakeFirst();
  return row === undefined ? null : reportOf(row);
}

/** In the place of the one before. Throws VaultError `not-found`. */
export async function putDoctorReport(
  context: Pick<VaultContext, 'store'>,
  act: Act,
  { keySet, id }: OnStore,
  { hostname, endpoint, findings }: Pick<DoctorReport, 'hostname' | 'endpoint' | 'findings'>,
): Promise<DoctorReport> {
  return context.store.write(act, async (trx) => {
    const store = await findStoreIn(trx, keySet, id);
    const report = {
      ...{ at: trx.at.toISOString(), actor_name: act.actor.name, hostname, endpoint },
      findings: JSON.stringify(findings),
    };
    const row = { external_key_store_id: id, ...report };
    await trx
      .insertInto('doctor_reports')
      .values(row)
      .onConflict((conflict) => conflict.column('external_key_store_id').doUpdateSet(report))
      .execute();
    const counted = (level: ReportedFinding['level']) => findings.filter((one) => one.level === level).length;
    await record(trx, act, {
      action: 'external-key-store.examine',
      vaultId: keySet.vault_id,
      target: { kind: 'external-key-store', id, name: store.name },
      after: { endpoint, hostname, problems: counted('PROBLEM'), warnings: counted('WARNING') },
    });
    return reportOf(row);
  });
}

function reportOf({
  at,
  actor_name,
  hostname,
  endpoint,
  findings,
}: Selectable<DoctorReportTable>): DoctorReport {
  const by = actor_name;
  return { at, by, hostname, endpoint, findings: JSON.parse(findings) as ReportedFinding[] };
}
