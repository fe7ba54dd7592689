import { groups, type Group } from '../doctor/catalogue.ts';
import type { Finding, Level } from '../doctor/finding.ts';
import { coloured } from './colour.ts';
import { printable } from './printable.ts';
import { print } from './streams.ts';

/* The doctor's report for people: each finding as it is made, problems and warnings once more at the end. */

const width = 100;
const styles = { OK: 'green', WARNING: 'yellow', PROBLEM: 'red', SKIPPED: 'dim' } as const;

const lookFromOutside =
  'Only this node itself was looked at. What AWS sees: holdfast doctor --endpoint https://HOST …\n\n';

/** How many findings there are of each level. */
export type Summary = Record<Lowercase<Level>, number>;

export function summaryOf(findings: readonly Finding[]): Summary {
  const of = (level: Level) => findings.filter((finding) => finding.level === level).length;
  return { ok: of('OK'), warning: of('WARNING'), problem: of('PROBLEM'), skipped: of('SKIPPED') };
}

/** Prints a finding, under its group's heading where the group begins. */
export class Report {
  #group: Group | undefined;

  add({ group, level, title, subject, seen }: Finding): void {
    if (group !== this.#group) {
      print(`${this.#group === undefined ? '' : '\n'}${coloured('bold', groups[group])}`);
      this.#group = group;
    }
    const what = subject === null ? title : `${title} (${printable(subject)})`;
    const lines = wrap(`${what}: ${printable(seen)}`, width - 11);
    for (const [index, line] of lines.entries())
      print(`  ${index === 0 ? coloured(styles[level], level.padEnd(7)) : ' '.repeat(7)}  ${line}`);
  }

  /** What is to be done, the worst last: it stands where the eye is when the command ends. */
  end(findings: readonly Finding[], onlyNode: boolean): void {
    for (const [level, heading] of [
      ['WARNING', 'Warnings'],
      ['PROBLEM', 'Problems'],
    ] as const) {
      const found = findings.filter((finding) => finding.level === level);
      if (found.length === 0) continue;
      print(`\n${coloured(styles[level], heading)}`);
      for (const finding of found) explain(finding);
    }
    const { ok, warning, problem, skipped } = summaryOf(findings);
    print(
      `\n${onlyNode ? lookFromOutside : ''}${ok} fine, ${skipped} not looked at, ${counted(warning, 'warning')}, ${counted(problem, 'problem')}`,
    );
  }
}

function explain({ id, title, subject, seen, why, wayOut, connectionErrorCode }: Finding): void {
  print(`  ${title}${subject === null ? '' : ` (${printable(subject)})`}  ${coloured('dim', `[${id}]`)}`);
  const parts: [name: string, text: string | null][] = [
    ['seen', printable(seen)],
    ['why', why],
    ['in AWS', connectionErrorCode],
    ['way out', wayOut === null ? null : printable(wayOut)],
  ];
  for (const [name, text] of parts) {
    if (text === null) continue;
    for (const [index, line] of wrap(text, width - 13).entries())
      print(`    ${(index === 0 ? name : '').padEnd(7)}  ${line}`);
  }
}

function counted(count: number, what: string): string {
  return `${count === 0 ? 'no' : count} ${what}${count === 1 ? '' : 's'}`;
}

/** Breaks at spaces; a word longer than a line, such as a path, stays whole. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
