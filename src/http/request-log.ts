import type { Context } from 'koa';
import type { Logger } from '../log.ts';
import { SignatureError } from '../sigv4/verify.ts';
import { TokenError } from '../token/faults.ts';
import { tokenWords } from '../token/ways-out.ts';
import { monotonicNow } from '../clock.ts';
import type { ServedKeySet } from '../vault/directory.ts';
import type { XksError } from '../xks/errors.ts';
import type { CallFacts } from '../xks/operation.ts';
import type { Operation } from './route.ts';

export interface RequestRecord {
  began: number;
  operation: Operation | undefined;
  /** '' for GetHealthStatus and for paths that are none of ours. */
  externalKeyId: string;
  /** Once the request is authenticated. */
  keySet: ServedKeySet | undefined;
  accessKeyId: string | undefined;
  error: XksError | undefined;
  facts: CallFacts;
}

/**
 * One line per request (XKS spec, Logging): who, what, which key, how it ended and where the time went. Nothing of a
 * request stands in it before its signature is verified, and never its data.
 */
export function logRequest(log: Logger, ctx: Context, record: RequestRecord): void {
  const { began, operation, externalKeyId, keySet, accessKeyId, error, facts } = record;
  const duration = monotonicNow() - began;
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
function short(text: string | null | undefined): string | undefined {
  if (text === undefined || text === null) return undefined;
  return text.length <= 2048 ? text : `${text.slice(0, 2048)}…`;
}

/** Milliseconds with microseconds. */
export function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
