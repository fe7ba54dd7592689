import type { AwsProblem } from './check.ts';

/** What a rotation had made and nobody else knows of is told to whoever looks: a problem, as the record keeps it. */
export function leftInIam(accessKeyIds: readonly string[]): string {
  const problem: AwsProblem = {
    code: 'LEFT_IN_IAM',
    message: `the access key was replaced while it was rotated: ${accessKeyIds.join(', ')} is in IAM still`,
    remediation: 'delete it in IAM',
  };
  return JSON.stringify(problem);
}
