import {
  flag,
  listOf,
  nullOr,
  optional,
  oneOf,
  record,
  textOf,
  variant,
  wholeFrom,
} from '../message-check.ts';
import type { Check } from '../message-check.ts';
import { workerFigures } from '../metrics/figure-checks.ts';
import type { QuotaAsk } from '../serving/quota.ts';
import { maxHeld, maxTextLength } from '../serving/failed-requests.ts';
import type { ServedWrite } from '../serving/served-writes.ts';
import type { ToSupervisor } from './messages.ts';

/* What the supervisor lets a worker say to it: workers face the network, and the supervisor holds the PIN and every process. */

type Kind = ToSupervisor['kind'];
type Said<K extends Kind> = Extract<ToSupervisor, { kind: K }>;

/** Far more than there are CloudKeys. */
const maxItems = 200_000;
const number = wholeFrom(0);
const name = textOf(200);

/** What a request says of itself, as it is kept. */
const ofRequest = textOf(maxTextLength);

const version = { cloudKeyId: name, version: number };

const servedWrite: Check<ServedWrite> = variant<'kind', ServedWrite>('kind', {
  leases: record({ asks: listOf(record(version), maxItems) }),
  uses: record({
    uses: listOf(
      record({
        kind: oneOf(['credential', 'encrypt', 'decrypt']),
        id: name,
        count: number,
        last_at: textOf(40),
        last_address: textOf(100),
      }),
      maxItems,
    ),
  }),
  'failed-requests': record({
    requests: listOf(
      record({
        ...{ vault_id: name, key_set_id: name, external_key_id: name, operation: name, error: name },
        ...{ message: ofRequest, reason: name, principal: ofRequest, via_service: ofRequest },
        ...{
          kms_operation: ofRequest,
          kms_key_arn: ofRequest,
          kms_request_id: ofRequest,
          address: textOf(100),
        },
        ...{ first_at: textOf(40), last_at: textOf(40), count: number },
      }),
      maxHeld,
    ),
  }),
  unfit: record({
    note: record({ ...version, unfit: optional(record({ since: textOf(40), why: textOf(10_000) })) }),
  }),
  'begin-version': record({ ask: record({ cloudKeyId: name, current: number }) }),
  'activate-version': record({ ask: record({ ...version, proof: nullOr(textOf(10_000)) }) }),
  'take-back-version': record({
    ask: record({ ...version, keyObject: oneOf(['none', 'left', 'may-come']) }),
  }),
});

/** A quota is a whole number of requests (docs/operations.md), far below this. */
const maxRequests = 2 ** 31;

const quotaAsk: Check<QuotaAsk> = record<QuotaAsk>({
  bucket: textOf(80, /^(?:key-set|cloud-key):[\w-]{1,64}$/),
  vaultId: textOf(64, /^[\w-]+$/),
  rate: wholeFrom(1, maxRequests),
  burst: wholeFrom(1, maxRequests),
  revision: number,
  need: number,
  ahead: flag,
  lease: number,
  used: number,
  unused: number,
  refused: number,
});

const common = {
  listening: record<Omit<Said<'listening'>, 'kind'>>({ port: wholeFrom(0, 65_535) }),
  'kill-host': record<Omit<Said<'kill-host'>, 'kind'>>({ id: number }),
  'host-prepared': record<Omit<Said<'host-prepared'>, 'kind'>>({ id: number, keys: number }),
  pong: record<object>({}),
};

/** What an XKS worker may say. */
export const xksWorkerMessage = variant<
  'kind',
  Exclude<ToSupervisor, Said<'verify-token' | 'node-facts' | 'node-figures'>>
>('kind', {
  ...common,
  // What is lent has numbers below zero, which are no host's (host-sharing.ts).
  'borrowed-lost': record({ id: wholeFrom(Number.MIN_SAFE_INTEGER, -1) }),
  quota: record({ asks: listOf(quotaAsk, maxItems) }),
  'served-write': record({ id: name, write: servedWrite }),
  figures: record({ figures: workerFigures }),
  'store-moved': record({ id: number }),
});

/** What the management process may say. */
export const managementMessage = variant<
  'kind',
  Exclude<ToSupervisor, Said<'borrowed-lost' | 'quota' | 'served-write' | 'figures' | 'store-moved'>>
>('kind', {
  ...common,
  'verify-token': record({ id: number, token: name, member: name }),
  'node-facts': record({ id: number }),
  'node-figures': record({ id: number }),
});
