import {
  flag,
  listOf,
  MisfitError,
  nullOr,
  oneOf,
  optional,
  parseMessage,
  record,
  textOf,
  wholeFrom,
} from '../message-check.ts';
import type { Check } from '../message-check.ts';
import { wholeQuota, type QuotaShare, type QuotaShares } from './quota-shares.ts';

/** A token as one node finds it. */
export interface ShownToken {
  /** Of the configuration. */
  name: string;
  /** What the token told of itself (CK_TOKEN_INFO); null while no host of the node has had it open. */
  serial: string | null;
  label: string | null;
  /** Of its profile. */
  model: string;
  health: 'ACTIVE' | 'DEGRADED' | 'UNAVAILABLE';
  /** Hosts that the XKS workers of the node are to have together, and those that serve. */
  hosts: number;
  up: number;
  /** What the token told of itself too; undefined while no host has had it open, and of a version that does not say. */
  firmware?: string | undefined;
  /** Of an HSM group: the same of each member. */
  members?: ShownMember[] | undefined;
}

/** A member of an HSM group as one node finds it. */
export type ShownMember = Pick<
  ShownToken,
  'name' | 'serial' | 'label' | 'health' | 'hosts' | 'up' | 'firmware'
>;

/** The database as one node finds it. */
export interface ShownDatabase {
  kind: 'sqlite' | 'postgres';
  /** What is claimed of it (store.durability); null of a file. */
  durability: string | null;
  /** What it does not do of that. */
  problems: string[];
}

/** What a node shows beside its name, its version and its times. */
export interface ShownNode {
  tokens: ShownToken[];
  database: ShownDatabase;
  /** How far the node's clock stands ahead of the database's, milliseconds; null of a file. */
  clockOffset: number | null;
  /** The revision of the store that it has read. */
  revision: number;
  /** AWS is answered by it with some token, and it tells load balancers so. False of a version that does not say. */
  serves: boolean;
  /** It does what is done by schedule, or would. False of a version that does not say. */
  manages: boolean;
  /**
   * It is to be counted where quotas are shared out: it is not drained, or is asked all the same. True of a version that does not
   * say.
   */
  sharesQuotas: boolean;
  /** What it claims of the quotas; null of a version that does not say, which takes an even share of each. */
  quotas: QuotaShares | null;
  /** Of this start of its machine's kernel (boot_id); null of a version that does not say. */
  boot: string | null;
  /** Why what it knows of the store's history is not on its disk; null where it is, or of a version that does not say. */
  unkept: string | null;
}

const text = textOf(1000);
const count = wholeFrom(0);
/** An older version does not say. */
const said: Check<boolean> = (value, at) => value !== undefined && flag(value, at);

const health = oneOf(['ACTIVE', 'DEGRADED', 'UNAVAILABLE']);
const hsm = {
  name: text,
  serial: nullOr(text),
  label: nullOr(text),
  health,
  hosts: count,
  up: count,
  firmware: optional(text),
};

const part = wholeFrom(0, wholeQuota);
const quotaShares: Check<QuotaShares> = record<QuotaShares>({
  each: part,
  listed: listOf(record<QuotaShare>({ bucket: text, share: part, demand: part }), 100_000),
  keeps: count,
});

const shownNode: Check<ShownNode> = record<ShownNode>({
  tokens: listOf(
    record<ShownToken>({
      ...hsm,
      model: text,
      members: optional(listOf(record<ShownMember>(hsm), 1000)),
    }),
    1000,
  ),
  database: record<ShownDatabase>({
    kind: oneOf(['sqlite', 'postgres']),
    durability: nullOr(text),
    problems: listOf(text, 100),
  }),
  clockOffset: nullOr(wholeFrom(Number.MIN_SAFE_INTEGER)),
  revision: count,
  serves: said,
  manages: said,
  sharesQuotas: (value, at) => value === undefined || flag(value, at),
  quotas: (value, at) => nullOr(quotaShares)(value ?? null, at),
  boot: (value, at) => nullOr(text)(value ?? null, at),
  unkept: (value, at) => nullOr(text)(value ?? null, at),
});

/** What stands in its row. Undefined where that is of a version that shows nothing, or shows it in another form. */
export function shownOf({ shown }: { shown: string | null }): ShownNode | undefined {
  if (shown === null) return undefined;
  try {
    return parseMessage(shownNode, JSON.parse(shown));
  } catch (error) {
    if (error instanceof MisfitError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
