import type { Context } from 'koa';
import type { Config } from '../config/config.ts';
import type { Logger } from '../log.ts';
import type { RequestCounts } from '../metrics/request-counts.ts';
import { SignatureError } from '../sigv4/verify.ts';
import { TokenError } from '../token/faults.ts';
import { tokenWords } from '../token/remediations.ts';
import { monotonicNow } from '../clock.ts';
import type { ServedKeySet } from '../serving/directory.ts';
import type { XksError } from '../xks/errors.ts';
import type { CallFacts } from '../xks/operation.ts';
import type { FailedRequestRecorder } from '../serving/failed-requests.ts';
import type { Operation } from '../xks/uri.ts';

export interface RequestRecord {
  /** When its head was read, by {@link monotonicNow}. */
  came: number;
  operation: Operation | undefined;
  /** '' for GetHealthStatus and for paths that are none of ours. */
  externalKeyId: string;
  /** Once the request is authenticated. */
  keySet: ServedKeySet | undefined;
  accessKeyId: string | undefined;
  error: XksError | undefined;
  facts: CallFacts;
}

export interface RequestLogOptions {
  log: Logger;
  /** The configuration's `log`. */
  settings: Config['log'];
  /** Where each request is counted, logged or not. */
  counts?: Pick<RequestCounts, 'add'>;
  /** Where those with an error are kept for people to look through, logged or not. */
  failed?: Pick<FailedRequestRecorder, 'record'>;
  /** Whether it is logged all the same, for one in so many; a test's own where that is what it tests. */
  draw?: (oneIn: number) => boolean;
}

/** What was left out is told so often, milliseconds; and so often each use of a key by somebody is logged anew. */
const tellEvery = 60_000;
/** So many different uses are told apart at a time; beyond it they are drawn like all others. */
const maxUses = 10_000;

/** Of one key set, by operation. */
type LeftOut = Map<string, { keySet: string | undefined; counts: Partial<Record<Operation, number>> }>;

/**
 * The log of XKS requests. Requests that failed or took long are always in it; of the others what the configuration asks
 * for, and how many were left out, so that their number can be had from the log.
 */
export class RequestLog {
  readonly #log: Logger;
  readonly #settings: Config['log'];
  readonly #counts: RequestLogOptions['counts'];
  readonly #failed: RequestLogOptions['failed'];
  readonly #draw: (oneIn: number) => boolean;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #uses = new Set<string>();
  #leftOut: LeftOut = new Map();
  #since = monotonicNow();

  constructor({
    log,
    settings,
    counts,
    failed,
    draw = (oneIn) => Math.random() * oneIn < 1,
  }: RequestLogOptions) {
    this.#log = log;
    this.#settings = settings;
    this.#counts = counts;
    this.#failed = failed;
    this.#draw = draw;
    if (settings.requests !== 'all') this.#timer = setInterval(() => this.tellLeftOut(), tellEvery).unref();
  }

  record(ctx: Context, record: RequestRecord): void {
    const duration = monotonicNow() - record.came;
    this.#count(record, duration);
    this.#keepFailed(ctx, record);
    if (this.#isLogged(record, duration)) logRequest(this.#log, ctx, record, duration);
    else this.#leaveOut(record);
  }

  // oxlint-disable-next-line complexity -- one field of the row after another
  #keepFailed({ req }: Context, { operation, externalKeyId, keySet, error, facts }: RequestRecord): void {
    if (error === undefined) return;
    const { metadata } = facts;
    this.#failed?.record({
      vaultId: keySet?.vaultId ?? '',
      keySetId: keySet?.id ?? '',
      externalKeyId: keySet === undefined ? '' : externalKeyId,
      operation: operation ?? '',
      error: error.errorName,
      message: error.message,
      reason: reasonOf(error, facts),
      principal: metadata?.awsPrincipalArn ?? '',
      viaService: metadata?.kmsViaService ?? '',
      kmsOperation: metadata?.kmsOperation ?? '',
      kmsKeyArn: metadata?.kmsKeyArn ?? '',
      kmsRequestId: metadata?.kmsRequestId ?? '',
      address: req.socket?.remoteAddress ?? '',
    });
  }

  #count({ operation, keySet, error, facts }: RequestRecord, duration: number): void {
    if (this.#counts === undefined) return;
    const { cause, errorName } = error ?? {};
    const fault = cause instanceof TokenError ? cause.fault : undefined;
    const { times } = facts;
    const asked = keySet !== undefined && (times !== undefined || fault !== undefined);
    this.#counts.add({
      keySet: keySet?.id ?? '',
      operation: operation ?? '',
      duration,
      error: errorName,
      throttledBy: errorName === 'ThrottlingException' ? (facts.throttledBy ?? 'node') : undefined,
      token: asked ? { name: keySet.token, times, fault } : undefined,
    });
  }

  /** Says how many were left out since it was said last, and begins anew. */
  tellLeftOut(): void {
    const duration = Math.round(monotonicNow() - this.#since);
    this.#since = monotonicNow();
    this.#uses.clear();
    const leftOut = this.#leftOut;
    this.#leftOut = new Map();
    for (const { keySet, counts } of leftOut.values())
      this.#log.info({ keySet, leftOut: counts, duration }, 'successful requests were left out of the log');
  }

  /** The last word: what was left out is told. */
  close(): void {
    clearInterval(this.#timer);
    this.tellLeftOut();
  }

  #isLogged(record: RequestRecord, duration: number): boolean {
    const { requests, sample_one_in: oneIn, slow_request_ms: slow } = this.#settings;
    if (requests === 'all' || record.error !== undefined || duration >= slow) return true;
    return requests === 'sampled' && (this.#isNew(record) || this.#draw(oneIn));
  }

  /** The first use of a key by this principal in a while: who used which key is in the log, however few are drawn. */
  #isNew({ operation, externalKeyId, keySet, facts }: RequestRecord): boolean {
    if (this.#uses.size >= maxUses) return false;
    const { size } = this.#uses;
    const principal = facts.metadata?.awsPrincipalArn ?? '';
    this.#uses.add(`${operation} ${keySet?.id} ${externalKeyId} ${principal.slice(0, maxTextLength)}`);
    return this.#uses.size > size;
  }

  #leaveOut({ operation, keySet }: RequestRecord): void {
    if (operation === undefined) return;
    const id = keySet?.id ?? '';
    let known = this.#leftOut.get(id);
    if (known === undefined) this.#leftOut.set(id, (known = { keySet: keySet?.name, counts: {} }));
    known.counts[operation] = (known.counts[operation] ?? 0) + 1;
  }
}

/** What tells more than the error's name; '' where nothing does. */
function reasonOf({ errorName, cause }: XksError, { state, throttledBy }: CallFacts): string {
  if (cause instanceof SignatureError) return cause.reason;
  if (cause instanceof TokenError) return cause.fault;
  if (errorName === 'AuthenticationFailedException') return 'unknown-credential';
  if (errorName === 'InvalidStateException')
    return state === 'AVAILABLE' ? 'encryption-limit' : (state ?? '');
  return errorName === 'ThrottlingException' ? (throttledBy ?? '') : '';
}

/**
 * One line per request (XKS spec, Logging): who, what, which key, how it ended and where the time went. Nothing of a
 * request stands in it before its signature is verified, and never its data.
 */
// oxlint-disable-next-line complexity -- one field of the line after another
function logRequest(log: Logger, ctx: Context, record: RequestRecord, duration: number): void {
  const { operation, externalKeyId, keySet, accessKeyId, error, facts } = record;
  const { metadata, times } = facts;
  const cause = error?.cause;
  const line = {
    operation,
    status: ctx.status,
    errorName: error?.errorName,
    reason: cause instanceof SignatureError ? cause.reason : undefined,
    fault: cause instanceof TokenError ? cause.fault : undefined,
    call: cause instanceof TokenError ? cause.call : undefined,
    rv: cause instanceof TokenError ? cause.rv : undefined,
    keySet: keySet?.name,
    accessKeyId,
    externalKeyId: keySet !== undefined && externalKeyId !== '' ? short(externalKeyId) : undefined,
    keyVersion: facts.keyVersion,
    // Where it is as it should be it need not stand in every line.
    state: facts.state === 'AVAILABLE' ? undefined : facts.state,
    throttledBy: facts.throttledBy,
    quota: facts.quota,
    kmsRequestId: short(metadata?.kmsRequestId),
    kmsOperation: short(metadata?.kmsOperation),
    kmsKeyArn: short(metadata?.kmsKeyArn),
    principal: short(metadata?.awsPrincipalArn),
    viaService: short(metadata?.kmsViaService),
    sourceVpc: short(metadata?.awsSourceVpc),
    sourceVpce: short(metadata?.awsSourceVpce),
    remote: ctx.req.socket?.remoteAddress,
    token: keySet?.token,
    tokenHost: times?.host,
    duration: round(duration),
    queueTime: times === undefined ? undefined : round(times.queue),
    tokenTime: times === undefined ? undefined : round(times.token),
  };
  if (error === undefined) log.info(line, 'request');
  else if (error.status >= 500) {
    const detail =
      cause instanceof TokenError
        ? tokenWords(cause)
        : cause instanceof Error
          ? { err: { type: cause.name, stack: cause.stack } }
          : {};
    log.error({ ...line, ...detail }, error.message);
  } else log.warn(line, error.message);
}

/** ARNs have up to 2048 characters; what is longer is no ARN and does not fill the log. */
const maxTextLength = 2048;

function short(text: string | null | undefined): string | undefined {
  if (text === undefined || text === null) return undefined;
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}…`;
}

/** Milliseconds with microseconds. */
export function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
