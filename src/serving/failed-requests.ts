import type { FailedRequests } from '../keys/failed-request-rows.ts';
import { toPlainLine } from '../vault/names.ts';
import { BatchedWrites } from './batched-writes.ts';

const minute = 60_000;
/** So many that differ are told apart of one vault in a minute, and of what belongs to none; the rest is in one for each error. */
const toldApart = 50;
/** So many are held at once, of all vaults; more are in the log and in the metrics alone. */
export const maxHeld = 5_000;
/** What AWS says of a request is kept up to so many characters; an ARN of a role has some hundred. */
export const maxTextLength = 512;

/** A request that was answered with an error. All but the first group of texts is AWS's to say. */
export interface FailedRequest {
  /** Both '' where it was not authenticated. */
  vaultId: string;
  keySetId: string;
  operation: string;
  error: string;
  message: string;
  reason: string;
  externalKeyId: string;
  principal: string;
  viaService: string;
  kmsOperation: string;
  kmsKeyArn: string;
  kmsRequestId: string;
  address: string;
}

interface Held {
  row: FailedRequests;
  /** Milliseconds since the epoch, of its minute. */
  minute: number;
}

/** Of one vault. */
interface Share {
  /** To which minute {@link told} belongs. */
  minute: number;
  /** What was told apart in it, written or not. */
  told: Set<string>;
  unwritten: Map<string, Held>;
}

export interface FailedRequestRecorderOptions {
  /** Adds them to what stands in the store; whole or not at all. */
  write: (requests: FailedRequests[]) => Promise<void>;
  /** Milliseconds since the epoch. */
  now: () => number;
  onFailure: (error: unknown) => void;
}

/**
 * Gathers what failed and writes it every few seconds: a request costs an entry in a map, and those that are the same
 * within a minute cost one for all. What a flood can fill is bounded for each vault and for those that are not
 * authenticated, so that none takes the place of another's. A worker that is killed loses what it had not written.
 */
export class FailedRequestRecorder {
  readonly #options: FailedRequestRecorderOptions;
  readonly #shares = new Map<string, Share>();
  #held = 0;
  readonly #writes: BatchedWrites<[key: string, held: Held]>;

  constructor(options: FailedRequestRecorderOptions) {
    this.#options = options;
    this.#writes = new BatchedWrites({
      take: () => this.#take(),
      putBack: (rest) => {
        for (const [key, { row, minute: begins }] of rest)
          this.#add(this.#shareOf(row.vault_id, begins), key, row, begins);
      },
      write: async (batch) => options.write(batch.map(([, { row }]) => row)),
      onFailure: options.onFailure,
    });
  }

  record(request: FailedRequest): void {
    const now = this.#options.now();
    const begins = now - (now % minute);
    const share = this.#shareOf(request.vaultId, begins);
    const row = toRow(request, new Date(now).toISOString());
    let key = keyOf(row, begins);
    if (!share.told.has(key) && share.told.size < toldApart) share.told.add(key);
    if (share.told.has(key)) return this.#add(share, key, row, begins);
    const rest = restOf(row);
    key = keyOf(rest, begins);
    this.#add(share, key, rest, begins);
  }

  /** Writes what was gathered. Never throws: after a failure it keeps what is not written for the next time. */
  async write(): Promise<void> {
    return this.#writes.write();
  }

  /** The last write. */
  async close(): Promise<void> {
    return this.#writes.close();
  }

  #take(): [key: string, held: Held][] {
    const taken = [...this.#shares.values()].flatMap(({ unwritten }) => Array.from(unwritten));
    this.#clear();
    return taken;
  }

  /** Shares of minutes that are over go as well. */
  #clear(): void {
    this.#held = 0;
    const now = this.#options.now();
    for (const [vaultId, share] of this.#shares) {
      if (share.minute + minute <= now) this.#shares.delete(vaultId);
      else share.unwritten.clear();
    }
  }

  #shareOf(vaultId: string, begins: number): Share {
    let share = this.#shares.get(vaultId);
    if (share === undefined)
      this.#shares.set(vaultId, (share = { minute: begins, told: new Set(), unwritten: new Map() }));
    if (share.minute < begins) {
      share.minute = begins;
      share.told.clear();
    }
    return share;
  }

  #add({ unwritten }: Share, key: string, row: FailedRequests, begins: number): void {
    const held = unwritten.get(key)?.row;
    if (held === undefined) {
      if (this.#held >= maxHeld) return;
      this.#held += 1;
      unwritten.set(key, { row, minute: begins });
      return;
    }
    held.count += row.count;
    if (row.first_at < held.first_at) held.first_at = row.first_at;
    if (row.last_at < held.last_at) return;
    const { last_at, address, message, kms_key_arn, kms_request_id } = row;
    Object.assign(held, { last_at, address, message, kms_key_arn, kms_request_id });
  }
}

function toRow(request: FailedRequest, at: string): FailedRequests {
  return {
    vault_id: request.vaultId,
    key_set_id: request.keySetId,
    external_key_id: short(request.externalKeyId, 128),
    operation: request.operation,
    error: request.error,
    message: short(request.message),
    reason: request.reason,
    principal: short(request.principal),
    via_service: short(request.viaService),
    kms_operation: short(request.kmsOperation),
    kms_key_arn: short(request.kmsKeyArn),
    kms_request_id: short(request.kmsRequestId),
    address: short(request.address, 100),
    first_at: at,
    last_at: at,
    count: 1,
  };
}

/** The row of all that are not told apart. */
function restOf(row: FailedRequests): FailedRequests {
  const nothing = {
    key_set_id: '',
    external_key_id: '',
    operation: '',
    reason: '',
    principal: '',
    via_service: '',
  };
  return {
    ...row,
    ...nothing,
    message: '',
    kms_operation: '',
    kms_key_arn: '',
    kms_request_id: '',
    address: '',
  };
}

function keyOf(row: FailedRequests, begins: number): string {
  const { key_set_id, external_key_id, operation, error, reason, principal, via_service, kms_operation } =
    row;
  const whose = row.vault_id === '' ? row.address : '';
  return JSON.stringify([
    ...[begins, key_set_id, external_key_id, operation, error, reason, principal, via_service],
    ...[kms_operation, whose],
  ]);
}

/**
 * Text that a database takes, and that is shown in the order in which it was sent: PostgreSQL refuses NUL, and with it all that
 * is written beside. Whoever has a credential says who they are as they like.
 */
function short(text: string, length = maxTextLength): string {
  return toPlainLine(text.length <= length ? text : `${text.slice(0, length - 1)}…`);
}
