import { problemTexts as t } from '../texts/problem.ts';

/** What the management API says when it refuses (RFC 9457), or what kept a request from it. */
export class ProblemError extends Error {
  /** Last part of the problem's type; `unreachable` where no answer came. */
  readonly kind: string;
  readonly status: number;
  readonly title: string;
  readonly remediation: string | undefined;
  readonly requestId: string | undefined;
  readonly fields: readonly FieldProblem[];
  /** Seconds. */
  readonly retryAfter: number | undefined;
  /** Of what was done all the same: by which it can be asked whether that is in force. */
  readonly revision: string | undefined;

  constructor(facts: ProblemFacts) {
    super(facts.detail);
    this.name = 'ProblemError';
    this.kind = facts.kind;
    this.status = facts.status;
    this.title = facts.title;
    this.remediation = facts.remediation;
    this.requestId = facts.requestId;
    this.fields = facts.fields ?? [];
    this.retryAfter = facts.retryAfter;
    this.revision = facts.revision;
  }
}

export interface FieldProblem {
  /** JSON pointer within the body, or the name of a parameter. */
  where: string;
  detail: string;
}

interface ProblemFacts {
  kind: string;
  status: number;
  title: string;
  detail: string;
  remediation?: string | undefined;
  requestId?: string | undefined;
  fields?: readonly FieldProblem[];
  retryAfter?: number | undefined;
  revision?: string | undefined;
}

/** The problem that an answer is; whatever stands between us and the node may have answered in its place. */
export async function readProblem(response: Response): Promise<ProblemError> {
  const { status } = response;
  const body = isProblem(response)
    ? ((await response.json().catch(() => undefined)) as Record<string, unknown> | undefined)
    : undefined;
  const text = (name: string) => (typeof body?.[name] === 'string' ? body[name] : undefined);
  const type = text('type');
  if (type === undefined)
    return new ProblemError({
      kind: 'unreachable',
      status,
      title: t.otherTitle(status),
      detail: t.otherDetail,
      remediation: t.otherRemediation,
    });
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return new ProblemError({
    kind: type.replace(/^urn:holdfast:problem:/, ''),
    status,
    title: text('title') ?? t.untitled(status),
    detail: text('detail') ?? '',
    remediation: text('remediation'),
    requestId: text('instance')?.replace(/^urn:holdfast:request:/, ''),
    fields: Array.isArray(body?.['fields']) ? (body['fields'] as unknown[]).filter(isFieldProblem) : [],
    retryAfter: Number.isNaN(retryAfter) ? undefined : retryAfter,
    revision: response.headers.get('Holdfast-Revision') ?? undefined,
  });
}

/** `isAct`: what was asked for may change something. */
export function unreachable(cause: unknown, isAct = false): ProblemError {
  const problem = new ProblemError({
    kind: 'unreachable',
    status: 0,
    title: t.unreachable,
    detail: t.unreachableDetail,
    remediation: isAct ? t.unreachableAct : t.unreachableRead,
  });
  problem.cause = cause;
  return problem;
}

/** What is wrong with the value at a place of the body, such as `/name`; undefined where nothing is. */
export function fieldProblem(problem: unknown, where: string): string | undefined {
  if (!(problem instanceof ProblemError)) return undefined;
  const found = problem.fields.filter(
    (field) => field.where === where || field.where.startsWith(`${where}/`),
  );
  return found.length === 0 ? undefined : found.map(({ detail }) => detail).join('; ');
}

export function isProblemOf(problem: unknown, ...kinds: readonly string[]): problem is ProblemError {
  return problem instanceof ProblemError && kinds.includes(problem.kind);
}

/** What was asked for may be done, or is: not all that is told as a problem has changed nothing. */
export function mayBeDone(problem: ProblemError): boolean {
  return isProblemOf(problem, 'unreachable', 'not-in-force', 'store-not-certain', 'store-in-doubt');
}

function isProblem(response: Response): boolean {
  return response.headers.get('Content-Type')?.startsWith('application/problem+json') === true;
}

function isFieldProblem(value: unknown): value is FieldProblem {
  if (typeof value !== 'object' || value === null) return false;
  const { where, detail } = value as Partial<FieldProblem>;
  return typeof where === 'string' && typeof detail === 'string';
}
