import type { Received } from './api-transport.ts';
import { CliError, type FieldProblem } from '../output/cli-error.ts';
import type { exitCodes } from '../output/exit-codes.ts';
import { version } from './version.ts';

/** The management API refused a request (RFC 9457); its words are repeated as they came. */
export class ApiProblem extends CliError {
  /** Last part of its type, such as `not-found`. */
  readonly kind: string;
  readonly status: number;
  override readonly fields: readonly FieldProblem[];

  constructor(
    kind: string,
    status: number,
    detail: string,
    remediation: string | undefined,
    fields: readonly FieldProblem[],
  ) {
    super(exitKind(kind, status), detail, remediation);
    this.name = 'ApiProblem';
    this.kind = kind;
    this.status = status;
    this.fields = fields;
  }
}

/** What an answer that is no good one says. */
export function readProblem({ status, headers, text }: Received, host: string): CliError {
  const problem = headers['content-type']?.startsWith('application/problem+json')
    ? parseProblem(toJson(text))
    : undefined;
  if (problem === undefined)
    return new CliError(
      'unreachable',
      `${host} answers ${status} as no management API of Holdfast does`,
      'the endpoint: is it that of the management API (port 9443 unless configured otherwise)? Is a proxy between?',
    );
  const kind = problem.type.replace(/^urn:holdfast:problem:/, '');
  const detail = problem.detail ?? 'the request was refused';
  if (kind === 'method-not-allowed' || (kind === 'not-found' && detail === unknownAddress))
    return new ApiProblem(
      kind,
      status,
      `${host} does not know what this command asks for: it is of another release than this command (${version})`,
      'the command of the release that holdfast node list tells of the node, or an upgrade of the node (docs/installation.md)',
      [],
    );
  const requestId = problem.instance?.replace(/^urn:holdfast:request:/, '');
  return new ApiProblem(
    kind,
    status,
    status >= 500 && requestId !== undefined ? `${detail} (request ${requestId})` : detail,
    problem.remediation ?? remediationOf(kind, headers['retry-after']),
    problem.fields,
  );
}

/** What a node says of an address that its release does not have; no record that is gone is told so. */
const unknownAddress = 'there is nothing at this address';

interface ProblemBody {
  type: string;
  detail: string | undefined;
  instance: string | undefined;
  remediation: string | undefined;
  fields: FieldProblem[];
}

/** By hand: a schema library would cost every command as much time to load as all else together. */
function parseProblem(body: unknown): ProblemBody | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const members = new Map<string, unknown>(Object.entries(body));
  const text = (name: string) => {
    const value = members.get(name);
    return typeof value === 'string' ? value : undefined;
  };
  const type = text('type');
  const fields = members.get('fields');
  return type === undefined
    ? undefined
    : {
        type,
        detail: text('detail') ?? text('title'),
        instance: text('instance'),
        remediation: text('remediation'),
        fields: Array.isArray(fields) ? fields.filter(isFieldProblem) : [],
      };
}

function isFieldProblem(value: unknown): value is FieldProblem {
  if (typeof value !== 'object' || value === null) return false;
  const { where, detail } = value as Partial<FieldProblem>;
  return typeof where === 'string' && typeof detail === 'string';
}

/** Nodes up to 0.4 say `wayOut` where this release says `remediation`; in a text of anybody's the quotes are escaped. */
export function toJson(text: string): unknown {
  try {
    return JSON.parse(text.replaceAll('"wayOut":', '"remediation":'));
  } catch {
    return undefined;
  }
}

function remediationOf(kind: string, retryAfter: string | undefined): string | undefined {
  if (kind === 'too-many-requests' && retryAfter !== undefined) return `wait ${retryAfter} s, then try again`;
  return remediations[kind];
}

const remediations: Record<string, string> = {
  unauthenticated: 'sign in: holdfast login',
  'second-factor-required': 'sign in: holdfast login',
  'password-change-required': 'sign in: holdfast login asks for a new password',
  forbidden: 'holdfast whoami shows what you may do; an administrator can give you another role',
  'precondition-failed': 'look at it again, then repeat the command',
};

function exitKind(kind: string, status: number): keyof typeof exitCodes {
  const known = exitKinds[kind];
  if (known !== undefined) return known;
  return status >= 500 ? 'internal' : 'usage';
}

const exitKinds: Record<string, keyof typeof exitCodes> = {
  unauthenticated: 'refused',
  'sign-in-refused': 'refused',
  'second-factor-required': 'refused',
  'password-change-required': 'refused',
  forbidden: 'refused',
  'not-found': 'notFound',
  conflict: 'conflict',
  'precondition-failed': 'precondition',
  'too-many-requests': 'rateLimited',
  aws: 'unreachable',
  'aws-busy': 'rateLimited',
  'token-unavailable': 'tokenUnavailable',
  'store-unavailable': 'storeUnavailable',
  'store-full': 'storeUnavailable',
  // Nothing is changed until somebody has decided.
  'store-went-back': 'conflict',
  'store-not-certain': 'notYetEverywhere',
  'not-in-force': 'notYetEverywhere',
  'store-in-doubt': 'inDoubt',
  'not-implemented': 'usage',
};
