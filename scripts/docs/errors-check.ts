import { readFileSync } from 'node:fs';
import { problemKinds } from '../../src/admin/problem.ts';
import { TokenError, tokenFaults } from '../../src/token/faults.ts';
import { toXksError, xksErrorStatus } from '../../src/xks/errors.ts';

/** What docs/errors.md does not say, or says otherwise than the tables of src/xks/errors.ts and src/admin/problem.ts. */
export function problemsOfErrorsPage(file: URL): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const problems: string[] = [];
  for (const [name, status] of Object.entries(xksErrorStatus)) {
    if (!lines.some((line) => line.startsWith(`| \`${name}\``) && line.includes(`| ${status} `)))
      problems.push(`${name} with its status ${status} has no row`);
  }
  for (const fault of tokenFaults) {
    const { errorName } = toXksError(new TokenError(fault, 'check'));
    const row = lines.find((line) => line.startsWith(`| \`${fault}\``));
    if (row === undefined) problems.push(`the token fault ${fault} has no row`);
    else if (!row.includes(`\`${errorName}\``))
      problems.push(`the row of ${fault} does not name ${errorName}`);
  }
  const ofApi = lines.slice(lines.indexOf('## Problems of the management API'));
  for (const [kind, [status]] of Object.entries(problemKinds))
    if (!ofApi.some((line) => line.startsWith(`| \`${kind}\``) && line.includes(`| ${status} `)))
      problems.push(`the problem ${kind} with its status ${status} has no row`);
  return problems;
}
