import { problemKinds, type ProblemKind } from '../problem.ts';
import type { Route } from '../route.ts';
import type { SchemaNode } from './schemas.ts';

/** Which problems a route may answer, in the order of their statuses. */
export function problemsOf(route: Route): ProblemKind[] {
  const kinds = new Set<ProblemKind>([
    'bad-request',
    'request-timeout',
    'too-large',
    // A query parameter that an operation does not know is refused by each.
    'invalid',
    'expectation-failed',
    'too-many-requests',
    'head-too-large',
    'not-implemented',
    'internal',
    'store-unavailable',
    'store-full',
    ...(route.problems ?? []),
  ]);
  const add = (condition: boolean, ...more: ProblemKind[]) => {
    if (condition) for (const kind of more) kinds.add(kind);
  };
  const { access, method } = route;
  const changing = method !== 'GET';
  const states = access.kind === 'own' ? access.states : undefined;
  add(access.kind !== 'public', 'unauthenticated');
  add(access.kind !== 'public' && states?.includes('SECOND_FACTOR') !== true, 'second-factor-required');
  add(access.kind !== 'public' && states?.includes('PASSWORD_CHANGE') !== true, 'password-change-required');
  add(access.kind === 'permission' || (access.kind === 'own' && access.sessionsOnly === true), 'forbidden');
  add(access.kind !== 'public' && changing, 'csrf-token-required');
  add(route.path.includes('{'), 'not-found');
  add(route.body !== undefined, 'unsupported-media-type');
  add(access.kind !== 'public' && changing, 'conflict');
  add(route.changes === true, 'precondition-required', 'precondition-failed');
  add(route.creates !== undefined, 'idempotency-key-reused');
  add(changing, 'token-unavailable', 'store-not-certain', 'store-in-doubt');
  add(route.takesAway === true, 'not-in-force');
  add(changing && access.kind === 'permission' && route.despiteLoss !== true, 'store-went-back');
  return (Object.keys(problemKinds) as ProblemKind[]).filter((kind) => kinds.has(kind));
}

/** Responses by status, each told in the words of the kinds that have it. */
export function problemResponses(kinds: readonly ProblemKind[]): Record<string, unknown> {
  const byStatus = Map.groupBy(kinds, (kind) => problemKinds[kind][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [
      String(status),
      {
        $ref: '#/components/responses/Problem',
        description: those.map((kind) => `\`${kind}\`: ${problemKinds[kind][1]}.`).join(' '),
      },
    ]),
  );
}

export const problemResponse = {
  description: 'The request was refused; `type` says why, and `remediation` what to do about it.',
  headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

/** RFC 9457, with members of ours. Told by hand: the body is made by {@link Problem.toBody}. */
export const problemSchema: SchemaNode = {
  type: 'object',
  description: 'Why a request was refused (RFC 9457). It never repeats a value that was sent.',
  properties: {
    type: {
      type: 'string',
      enum: (Object.keys(problemKinds) as ProblemKind[]).map((kind) => `urn:holdfast:problem:${kind}`),
    },
    title: { type: 'string', description: 'The kind of problem.' },
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: { type: 'string', description: 'What is wrong with this request.' },
    instance: { type: 'string', description: '`urn:holdfast:request:` and the request id, as in the log.' },
    remediation: { type: 'string', description: 'What to do about it.' },
    fields: {
      type: 'array',
      description: 'The invalid values.',
      items: {
        type: 'object',
        properties: {
          where: { type: 'string', description: 'JSON pointer into the body, or the name of a parameter.' },
          detail: { type: 'string' },
        },
        required: ['where', 'detail'],
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'instance'],
};
