import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { statusOf } from '../../src/admin/openapi/operation.ts';
import { problemsOf } from '../../src/admin/openapi/problems.ts';
import { problemKinds, type ProblemKind } from '../../src/admin/problem.ts';
import { allRoutes } from '../../src/admin/routes.ts';

/*
 * The reverse of what the tests' client checks of each answer: what the OpenAPI document lists and no test has seen. Each
 * test process notes what it was answered (test/admin/documented-answers.ts) in a file of lines `operation status kind`.
 * Run after all tests: node scripts/docs/answers-check.ts FILE
 */

/**
 * Why no test's client is answered so by the management API. Told by operation and kind or status, or for all by kind. What
 * stands here has a test of its own, past that client; all else that nobody has seen is refused.
 */
const reasons: Readonly<Record<string, string>> = {
  'adoptCloudKey 201':
    'by the command line, with keys of AWS’s sample proxy: test/cli/aws-page.test.ts, test/keys/adoption.test.ts',
  'startOidcSignIn conflict': 'the provider does not answer: test/identity/oidc-clients.test.ts',
  'startOidcSignInToVault conflict': 'the provider does not answer: test/identity/oidc-clients.test.ts',
  'testMail 204': 'a mail server is needed: test/identity/mail.test.ts',
  'expectation-failed': 'answered by the listener before there is a request: test/http/bounds.test.ts',
  'aws-busy': 'AWS throttles for longer than the client tries: test/admin/sound-routes.test.ts, without AWS',
  'not-in-force': 'a node that is cut off is needed: test/http/in-force-answer.test.ts',
  'request-timeout': 'answered by the listener before there is a request: test/http',
  'head-too-large': 'answered by the parser of Node before there is a request: test/http',
  'not-implemented': 'answered by the listener before there is a request: test/http',
  internal: 'an answer of a fault that we do not know of',
  'store-full': 'made in process, on a disk of its own: test/store',
};

/** What AWS or a token refuses is told in one place (toProblem), whichever operation met it. */
const ofBelow = new Set<ProblemKind>(['aws', 'aws-busy', 'token-unavailable']);

/** Kinds that everything may be answered with, by what each request passes through: one operation stands for all. */
const ofEach = new Set<ProblemKind>(
  (Object.keys(problemKinds) as ProblemKind[]).filter(
    (kind) => ofBelow.has(kind) || !allRoutes.some(({ problems }) => problems?.includes(kind)),
  ),
);

/** What is listed and was not answered, a line each. */
export function unanswered(seen: ReadonlySet<string>): string[] {
  const kindsSeen = new Set([...seen].map((line) => line.split(' ')[2] ?? ''));
  const kinds = new Set(allRoutes.flatMap(problemsOf));
  const missing = [
    ...allRoutes
      .filter((route) => !seen.has(`${route.operation} ${statusOf(route)} -`))
      .map((route) => `${route.operation} ${statusOf(route)}`),
    ...allRoutes.flatMap(({ operation, problems = [] }) =>
      problems
        .filter((kind) => !ofEach.has(kind) && !seen.has(`${operation} ${problemKinds[kind][0]} ${kind}`))
        .map((kind) => `${operation} ${kind}`),
    ),
    ...[...ofEach].filter((kind) => kinds.has(kind) && !kindsSeen.has(kind)),
  ];
  return missing.filter((one) => reasons[one] === undefined);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , file = ''] = process.argv;
  const missing = unanswered(new Set(readFileSync(file, 'utf8').split('\n')));
  for (const one of missing)
    console.error(
      `   listed, and answered to no test: ${one}: have a test be answered so, or leave it out of the document`,
    );
  if (missing.length > 0) process.exitCode = 1;
}
