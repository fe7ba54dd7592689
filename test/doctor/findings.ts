import type { ExecutionContext } from 'ava';
import type { CheckId } from '../../src/doctor/catalogue.ts';
import { diagnose } from '../../src/doctor/diagnose.ts';
import type { Finding, Level } from '../../src/doctor/finding.ts';
import type { DoctorOptions } from '../../src/doctor/options.ts';

/** What the doctor finds, up to the last of these checks: what comes after it is not waited for. */
export async function findingsUntil(last: CheckId, options: DoctorOptions): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of diagnose(options)) {
    findings.push(finding);
    if (finding.id === last) break;
  }
  return findings;
}

export async function allFindings(options: DoctorOptions): Promise<Finding[]> {
  return Array.fromAsync(diagnose(options));
}

/** The one finding of a check. */
export function one(
  t: ExecutionContext,
  findings: readonly Finding[],
  id: CheckId,
  subject?: string,
): Finding {
  const found = findings.filter(
    (finding) => finding.id === id && (subject === undefined || finding.subject === subject),
  );
  t.is(found.length, 1, `${id}: ${JSON.stringify(findings.map(({ id, level }) => `${id} ${level}`))}`);
  const [first] = found;
  if (first === undefined) throw new Error(`no finding ${id}`);
  return first;
}

/** The one finding of a check is of this level, and says this. */
export function found(
  t: ExecutionContext,
  findings: readonly Finding[],
  id: CheckId,
  level: Level,
  seen: RegExp = /./,
): Finding {
  const finding = one(t, findings, id);
  t.is(finding.level, level, JSON.stringify(finding));
  t.regex(finding.seen, seen, id);
  return finding;
}
