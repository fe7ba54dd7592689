/*
 * The log of the nodes beside CloudTrail's records: AWS KMS writes one for whatever it asks a key store for, and gives both the
 * same request id (XKS spec, kmsRequestId; CloudTrail, requestID). A request that a node served and CloudTrail knows nothing of
 * was sent by somebody else, who has an XKS credential. One that CloudTrail says was done, and no node, was answered elsewhere,
 * or the log is not whole. Knows nothing of files and of what it is run by: the command line and the console both have it.
 */

/** So many groups of each kind are told apart; the rest is counted. */
export const mostGroups = 1_000;

/** Requests that differ in nothing else than time and id. */
export interface Group {
  /** Of the XKS API, or of KMS for what CloudTrail alone has. */
  operation: string;
  /** Who asked AWS KMS, by what the request or the record says. */
  principal: string;
  kmsKeyArn: string;
  /** Empty for what CloudTrail alone has. */
  keySet: string;
  externalKeyId: string;
  accessKeyId: string;
  /** Where the connection came from. */
  remote: string;
  count: number;
  /** UTC, ISO 8601. */
  firstAt: string;
  lastAt: string;
  /** Of the last of them. */
  kmsRequestId: string;
}

/** What CloudTrail's records of one account and Region cover: UTC, ISO 8601, both inclusive. */
interface Covered {
  awsAccountId: string;
  region: string;
  from: string;
  to: string;
}

export interface Unexplained {
  /** Requests for an encryption or decryption in the log. */
  requests: number;
  /** Of these, those that CloudTrail has. */
  explained: number;
  /** Of these, those of an account, Region or time that no record given covers: nothing is known of them. */
  notCovered: number;
  covered: readonly Covered[];
  /** Served here, and unknown to CloudTrail. */
  unexplained: Groups;
  /** Done according to CloudTrail, and not in the log; null where the log leaves out what succeeded. */
  notInLog: Groups | null;
}

export interface Groups {
  count: number;
  /** The most numerous first, at most {@link mostGroups}. */
  groups: readonly Group[];
}

/** A text is not what it was given as. */
export class UnexplainedError extends Error {
  override readonly name = 'UnexplainedError';
}

/** Operations of KMS that need the key, and so this proxy. */
const uses = /^(Encrypt|Decrypt|ReEncrypt|GenerateDataKey(WithoutPlaintext|Pair|PairWithoutPlaintext)?)$/;

interface Recorded {
  id: string;
  operation: string;
  at: string;
  principal: string;
  keys: readonly string[];
  succeeded: boolean;
}

/** Records of CloudTrail, from as many files as there are. */
export class TrailRecords {
  readonly byId = new Map<string, Recorded>();
  readonly #covered = new Map<string, Covered>();

  get covered(): readonly Covered[] {
    return [...this.#covered.values()];
  }

  /** Whether there are records of the account and Region of a KMS key from before and from after a moment. */
  covers(kmsKeyArn: string, at: string): boolean {
    const [, , , region = '', account = ''] = kmsKeyArn.split(':');
    const covered = this.#covered.get(`${account} ${region}`);
    return covered !== undefined && covered.from <= at && at <= covered.to;
  }

  /** A file as CloudTrail delivers it, or what `aws cloudtrail lookup-events` answers. Throws UnexplainedError. */
  add(text: string): void {
    for (const record of recordsIn(text)) {
      const { eventSource, awsRegion, recipientAccountId } = record;
      const at = momentOf(record['eventTime']);
      if (at === undefined || typeof awsRegion !== 'string' || typeof recipientAccountId !== 'string')
        throw new UnexplainedError('a record has no eventTime, awsRegion or recipientAccountId');
      this.#cover(recipientAccountId, awsRegion, at);
      const recorded = eventSource === 'kms.amazonaws.com' ? recordedOf(record, at) : undefined;
      if (recorded !== undefined) this.byId.set(recorded.id, recorded);
    }
  }

  #cover(awsAccountId: string, region: string, at: string): void {
    const name = `${awsAccountId} ${region}`;
    const { from, to } = this.#covered.get(name) ?? { from: at, to: at };
    const wider = { from: at < from ? at : from, to: at > to ? at : to };
    this.#covered.set(name, { awsAccountId, region, ...wider });
  }
}

/** Compares the log, line by line, with records that are there already. */
export class Comparison {
  readonly #trail: TrailRecords;
  readonly #unexplained = new Grouping();
  readonly #seen = new Set<string>();
  readonly #keys = new Set<string>();
  #counts = { requests: 0, explained: 0, notCovered: 0 };
  #leavesOut = false;
  #from = '';
  #to = '';

  constructor(trail: TrailRecords) {
    this.#trail = trail;
  }

  /** A line of the log of a node; any other is passed over. */
  add(text: string): void {
    const line = objectIn(text);
    const at = momentOf(line?.['time']);
    if (line === undefined || at === undefined) return;
    if (line['msg'] === 'successful requests were left out of the log') this.#leavesOut = true;
    const { operation, kmsRequestId } = line;
    const isUse = operation === 'Encrypt' || operation === 'Decrypt';
    if (!isUse || typeof kmsRequestId !== 'string' || typeof line['keySet'] !== 'string') return;
    if (this.#from === '' || at < this.#from) this.#from = at;
    if (at > this.#to) this.#to = at;
    const kmsKeyArn = textOf(line['kmsKeyArn']);
    this.#keys.add(kmsKeyArn);
    this.#counts.requests += 1;
    if (this.#trail.byId.has(kmsRequestId)) {
      this.#seen.add(kmsRequestId);
      this.#counts.explained += 1;
    } else if (this.#trail.covers(kmsKeyArn, at)) {
      this.#unexplained.add(at, kmsRequestId, {
        ...{ operation, principal: textOf(line['principal']), kmsKeyArn, keySet: line['keySet'] },
        externalKeyId: textOf(line['externalKeyId']),
        accessKeyId: textOf(line['accessKeyId']),
        remote: textOf(line['remote']),
      });
    } else this.#counts.notCovered += 1;
  }

  /** Throws UnexplainedError where there was no request in the log: nothing was compared. */
  result(): Unexplained {
    if (this.#counts.requests === 0)
      throw new UnexplainedError('there is no request for an encryption or decryption in the log');
    return {
      ...this.#counts,
      covered: this.#trail.covered,
      unexplained: this.#unexplained.groups,
      notInLog: this.#leavesOut ? null : this.#notInLog(),
    };
  }

  /** What was done with a KMS key that the log knows, while it was written. */
  #notInLog(): Groups {
    const grouping = new Grouping();
    for (const { id, operation, at, principal, keys, succeeded } of this.#trail.byId.values()) {
      const kmsKeyArn = keys.find((key) => this.#keys.has(key));
      const isOurs = succeeded && kmsKeyArn !== undefined && uses.test(operation);
      // CloudTrail tells whole seconds, and the log when a request was answered.
      const isWithin = at > this.#from && at < this.#to;
      if (!isOurs || !isWithin || this.#seen.has(id)) continue;
      const none = { keySet: '', externalKeyId: '', accessKeyId: '', remote: '' };
      grouping.add(at, id, { operation, principal, kmsKeyArn, ...none });
    }
    return grouping.groups;
  }
}

type Same = Omit<Group, 'count' | 'firstAt' | 'lastAt' | 'kmsRequestId'>;

class Grouping {
  readonly #groups = new Map<string, Group>();
  #count = 0;

  get groups(): Groups {
    const groups = [...this.#groups.values()].toSorted((one, other) => other.count - one.count);
    return { count: this.#count, groups };
  }

  add(at: string, kmsRequestId: string, same: Same): void {
    this.#count += 1;
    const name = JSON.stringify(same);
    const known = this.#groups.get(name);
    if (known === undefined) {
      if (this.#groups.size < mostGroups)
        this.#groups.set(name, { ...same, count: 1, firstAt: at, lastAt: at, kmsRequestId });
      return;
    }
    known.count += 1;
    if (at < known.firstAt) known.firstAt = at;
    if (at >= known.lastAt) Object.assign(known, { lastAt: at, kmsRequestId });
  }
}

function recordsIn(text: string): Record<string, unknown>[] {
  const { Records: records, Events: events } = objectIn(text) ?? {};
  const all = Array.isArray(records)
    ? (records as unknown[])
    : Array.isArray(events)
      ? events.map((event) =>
          objectIn(textOf((event as Record<string, unknown> | null)?.['CloudTrailEvent'])),
        )
      : undefined;
  if (all === undefined) throw new UnexplainedError('there are no records of CloudTrail in it');
  return all.map((record) => {
    if (typeof record !== 'object' || record === null) throw new UnexplainedError('a record is no object');
    return record as Record<string, unknown>;
  });
}

function recordedOf(record: Record<string, unknown>, at: string): Recorded | undefined {
  const { requestID: id, userIdentity, resources } = record;
  if (typeof id !== 'string') return undefined;
  const who = (userIdentity ?? {}) as Record<string, unknown>;
  const keys = Array.isArray(resources)
    ? resources.map((resource) => textOf((resource as Record<string, unknown> | null)?.['ARN']))
    : [];
  return {
    ...{ id, at, keys, operation: textOf(record['eventName']) },
    principal: textOf(who['arn']) || textOf(who['invokedBy']),
    succeeded: record['errorCode'] === undefined,
  };
}

/** Undefined for a text that is no object. */
function objectIn(text: string): Record<string, unknown> | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** With milliseconds, so that texts are in the order of time; undefined for what is no moment. */
function momentOf(value: unknown): string | undefined {
  const milliseconds = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : new Date(milliseconds).toISOString();
}
