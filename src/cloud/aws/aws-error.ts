import { codeFaults, type AwsFault } from './aws-faults.ts';
import { explain } from './aws-remediations.ts';

export type { AwsFault } from './aws-faults.ts';

interface AwsErrorDetails {
  message: string;
  remediation: string;
  requestId?: string | undefined;
  /** The permission that AWS found missing, such as `kms:CreateKey`, where it said so. */
  action?: string | undefined;
  /** See {@link AwsError.certain}; false unless it is told. */
  certain?: boolean;
  since?: string | undefined;
  keyArn?: string | undefined;
}

/**
 * AWS refused something or was not reached. Neither text has anything of what was sent, nor AWS's own message: for a
 * wrong signature that quotes the canonical request, session token and all.
 */
export class AwsError extends Error {
  readonly fault: AwsFault;
  /** AWS's name for it, such as `AccessDeniedException`, or Node's, such as `ECONNREFUSED`. */
  readonly code: string;
  /** Such as `CreateKey`. */
  readonly operation: string;
  readonly requestId: string | undefined;
  readonly action: string | undefined;
  readonly remediation: string;
  /**
   * Nothing was done, for certain: AWS refused the one request that was sent. Where the SDK has sent several, or no answer
   * came, an earlier one may have been obeyed.
   */
  readonly certain: boolean;
  /** With `settling`: when AWS was asked for what is awaited, ISO 8601; undefined where that was just now. */
  readonly since: string | undefined;
  /** The KMS key that is in the way, where AWS told. */
  readonly keyArn: string | undefined;

  constructor(
    fault: AwsFault,
    code: string,
    operation: string,
    { message, remediation, requestId, action, certain = false, since, keyArn }: AwsErrorDetails,
  ) {
    super(message);
    this.name = 'AwsError';
    this.fault = fault;
    this.code = code;
    this.operation = operation;
    this.requestId = requestId;
    this.action = action;
    this.remediation = remediation;
    this.certain = certain;
    this.since = since;
    this.keyArn = keyArn;
  }
}

/** Calls AWS; whatever the SDK throws becomes an {@link AwsError}, all but errors of our own. */
export async function callAws<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toAwsError(operation, error);
  }
}

/** What the SDK, or Node below it, throws: the parts that are looked at. */
interface Thrown {
  name?: unknown;
  code?: unknown;
  message?: unknown;
  cause?: unknown;
  $metadata?: { httpStatusCode?: number; requestId?: string; attempts?: number };
  $response?: { statusCode?: number };
}

function toAwsError(operation: string, error: unknown): unknown {
  if (error instanceof AwsError || !(error instanceof Error)) return error;
  const thrown = error as Thrown;
  const status = thrown.$metadata?.httpStatusCode ?? thrown.$response?.statusCode;
  const code = codeOf(thrown, status);
  const fault = faultOf(code, status);
  // What is neither an answer of AWS's nor a failure to get one is a mistake of ours, and told as such.
  if (fault === undefined) return error;
  const action = fault === 'denied' ? deniedAction(thrown) : undefined;
  return new AwsError(fault, code, operation, {
    ...explain({ fault, code, operation, action, why: fault === 'denied' ? deniedBy(thrown) : undefined }),
    requestId: plain(thrown.$metadata?.requestId),
    action,
    certain: fault !== 'unreachable' && fault !== 'aws-trouble' && thrown.$metadata?.attempts === 1,
  });
}

function codeOf({ name, code, cause }: Thrown, status: number | undefined): string {
  const inner = (cause as Thrown | undefined)?.code;
  if (status === undefined) return plain(code) ?? plain(inner) ?? plain(name) ?? 'Unknown';
  return plain(name) ?? plain(code) ?? 'Unknown';
}

function faultOf(code: string, status: number | undefined): AwsFault | undefined {
  const known = codeFaults[code] ?? codeFaults[code.replace(/Exception$/, '')];
  if (known !== undefined) return known;
  if (status === undefined)
    return /^(?:E[A-Z_]+|ERR_(?:TLS|SSL)_\w+|CERT_\w+|HPE_\w+)$/.test(code) ? 'unreachable' : undefined;
  if (status === 429) return 'throttled';
  if (status >= 500) return 'aws-trouble';
  if (status === 401 || status === 403) return 'denied';
  if (status === 404) return 'not-found';
  return 'invalid';
}

/** Of the message only what has the form of an action (Service Authorization Reference). */
function deniedAction({ message }: Thrown): string | undefined {
  if (typeof message !== 'string') return undefined;
  return /not authorized to perform: ([a-z0-9-]{2,32}:[A-Za-z]{2,64})(?![A-Za-z:])/.exec(message)?.[1];
}

/** Which kind of policy is in the way: no list in an account would show a service control policy. */
function deniedBy({ message }: Thrown): string | undefined {
  if (typeof message !== 'string') return undefined;
  const kind = [
    'service control policy',
    'resource control policy',
    'permissions boundary',
    'session policy',
    'VPC endpoint policy',
    'resource-based policy',
    'identity-based policy',
  ].find((one) => message.includes(one));
  if (kind === undefined) return undefined;
  return message.includes('explicit deny') ? `denied by a ${kind}` : `no ${kind} allows it`;
}

/** Names and ids only: nothing that could be part of a request. */
function plain(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z0-9_.-]{1,100}$/.test(value) ? value : undefined;
}
