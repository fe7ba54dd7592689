import { counted } from '../../counted.ts';
import { groups, type Group } from '../../doctor/catalogue.ts';
import type { Finding, Level } from '../../doctor/finding.ts';
import { coloured } from '../output/colour.ts';
import { folded } from '../output/folded.ts';
import { printable } from '../output/printable.ts';
import { print } from '../output/streams.ts';

/* The doctor's report for people: the verdict, what is to be done, and then each finding. */

const width = 100;
const styles = { OK: 'green', WARNING: 'yellow', PROBLEM: 'red', SKIPPED: 'dim' } as const;

const lookFromOutside =
  'Only this node itself was looked at. What AWS sees: holdfast doctor --endpoint https://HOST …';

/** How many findings there are of each level. */
export type Summary = Record<Lowercase<Level>, number>;

export function summaryOf(findings: readonly Finding[]): Summary {
  const of = (level: Level) => findings.filter((finding) => finding.level === level).length;
  return { ok: of('OK'), warning: of('WARNING'), problem: of('PROBLEM'), skipped: of('SKIPPED') };
}

/** Prints all of it. `fromOutside`: a proxy was looked at, not only this node. */
export function printReport(findings: readonly Finding[], fromOutside: boolean): void {
  const summary = summaryOf(findings);
  print(verdictOf(summary, fromOutside));
  if (!fromOutside) print(lookFromOutside);
  for (const [level, heading] of [
    ['PROBLEM', 'Problems'],
    ['WARNING', 'Warnings'],
  ] as const) {
    const found = findings.filter((finding) => finding.level === level);
    if (found.length === 0) continue;
    print(`\n${coloured(styles[level], heading)}`);
    for (const finding of found) explain(finding);
  }
  print(`\n${coloured('bold', 'All checks')}`);
  let group: Group | undefined;
  for (const finding of findings) {
    if (finding.group !== group) print(`\n${coloured('bold', groups[finding.group])}`);
    ({ group } = finding);
    line(finding);
  }
  const { ok, warning, problem, skipped } = summary;
  print(
    `\n${ok} fine, ${skipped} not looked at, ${counted(warning || 'no', 'warning')}, ${counted(problem || 'no', 'problem')}`,
  );
}

function verdictOf({ problem, warning }: Summary, fromOutside: boolean): string {
  const counts = `${counted(problem || 'no', 'problem')}, ${counted(warning || 'no', 'warning')}`;
  const subject = fromOutside ? 'the key store' : 'the node';
  if (problem > 0) {
    const fails = fromOutside
      ? 'AWS KMS cannot use the key store as it is, or not for long'
      : 'the node is not as it must be';
    return coloured(styles.PROBLEM, `${counts}: ${fails}`);
  }
  return warning > 0
    ? coloured(styles.WARNING, `${counts}: ${subject} works, but not as it should, or not for long`)
    : coloured(styles.OK, `${counts}: ${subject} is well, as far as it was looked at`);
}

function line({ level, title, subject, seen }: Finding): void {
  const what = subject === null ? title : `${title} (${printable(subject)})`;
  for (const [index, text] of folded(`${what}: ${printable(seen)}`, width - 11).entries())
    print(`  ${index === 0 ? coloured(styles[level], level.padEnd(7)) : ' '.repeat(7)}  ${text}`);
}

function explain({ id, title, subject, seen, why, remediation, connectionErrorCode }: Finding): void {
  print(`  ${title}${subject === null ? '' : ` (${printable(subject)})`}  ${coloured('dim', `[${id}]`)}`);
  const parts: [name: string, text: string | null][] = [
    ['seen', printable(seen)],
    ['why', why],
    ['in AWS', connectionErrorCode],
    ['hint', remediation === null ? null : printable(remediation)],
  ];
  for (const [name, text] of parts) {
    if (text === null) continue;
    for (const [index, line] of folded(text, width - 13).entries())
      print(`    ${(index === 0 ? name : '').padEnd(7)}  ${line}`);
  }
}
