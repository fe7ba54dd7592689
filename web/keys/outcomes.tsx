import type { Schemas } from '../../src/cli/client/api-types.ts';
import { sentence } from '../frame/problem-alert.tsx';
import { keys as t } from '../texts/keys.ts';

type Aws = readonly Schemas['CloudOutcome'][] | undefined;

export function isDoneInAws(aws: Aws): boolean {
  return aws?.every(({ outcome }) => outcome === 'done') ?? true;
}

/** What came of an act in AWS, for the flash. */
export function Outcomes({ aws }: { aws: Aws }) {
  if (aws === undefined || aws.length === 0) return null;
  return (
    <ul className="plain-list">
      {aws.map(({ kmsKeyId, region, outcome, problem }) => (
        <li key={kmsKeyId}>
          {region}: {t.outcomes[outcome]}
          {problem !== null && ` (${sentence(problem.message)} ${sentence(problem.remediation)})`}
        </li>
      ))}
    </ul>
  );
}
