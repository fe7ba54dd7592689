import type { Transaction } from 'kysely';
import { listOf, MisfitError, oneOf, optional, parseMessage, record, textOf } from '../message-check.ts';
import type { CloudKeyState, ServedKind, Tables } from './schema.ts';
import type { ServedChange } from './served-changes.ts';

export const refusals = [
  'DISABLED',
  'EXPIRED',
  'PENDING_DELETION',
  'DELETED',
  'FROZEN',
  'WITHDRAWN',
  'NO_KEY_STORE',
] as const;

/** Why requests for a thing are refused, in the words of its state. */
export type Refusal = (typeof refusals)[number];

/** What of one thing that XKS workers serve by was taken away as of a revision; empty where nothing was. */
export interface Taken {
  refused?: Refusal | undefined;
  /** ISO 8601. */
  expiresAt?: string | undefined;
  /** What a CloudKey may not be used for. */
  without?: ('ENCRYPT' | 'DECRYPT')[] | undefined;
}

const taken = record<Taken>({
  refused: optional(oneOf(refusals)),
  expiresAt: optional(textOf(40)),
  without: optional(listOf(oneOf(['ENCRYPT', 'DECRYPT']), 2)),
});

/** `unknown` where a node of an older version has written it, or it cannot be read: then it may have been everything. */
export function parseTaken(text: string | null): Taken | 'unknown' {
  if (text === null) return 'unknown';
  try {
    return parseMessage(taken, JSON.parse(text));
  } catch (error) {
    if (error instanceof MisfitError || error instanceof SyntaxError) return 'unknown';
    throw error;
  }
}

/** Of each thing that the transaction has changed what is taken away of it now, as JSON, by {@link nameOfChange}. */
export async function takenNow(
  trx: Transaction<Tables>,
  changes: readonly ServedChange[],
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const kind of ['vault', 'key-set', 'cloud-key', 'credential'] as const) {
    const names = changes.filter((change) => change.kind === kind).map(({ name }) => name);
    if (names.length === 0) continue;
    const rows = await readers[kind](trx, names);
    for (const name of names)
      found.set(nameOfChange({ kind, name }), JSON.stringify(rows.get(name) ?? { refused: 'DELETED' }));
  }
  return found;
}

export function nameOfChange({ kind, name }: { kind: string; name: string }): string {
  return `${kind} ${name}`;
}

type Reader = (trx: Transaction<Tables>, names: readonly string[]) => Promise<Map<string, Taken>>;

const readers: Readonly<Record<Exclude<ServedKind, 'path-prefixes'>, Reader>> = {
  vault: async (trx, ids) => {
    const rows = await trx
      .selectFrom('vaults')
      .select(['id', 'frozen_at', 'appliance_frozen_at', 'deleted_at'])
      .where('id', 'in', ids)
      .execute();
    return byName(rows, 'id', (row) =>
      refusedAs(row.deleted_at === null ? (row.frozen_at ?? row.appliance_frozen_at) && 'FROZEN' : 'DELETED'),
    );
  },
  'key-set': async (trx, ids) => {
    const rows = await trx
      .selectFrom('key_sets')
      .select(['id', 'frozen_at', 'removed_at', 'external_key_store'])
      .where('id', 'in', ids)
      .execute();
    return byName(rows, 'id', (row) => {
      if (row.removed_at !== null) return { refused: 'DELETED' };
      return refusedAs(row.external_key_store === 1 ? row.frozen_at && 'FROZEN' : 'NO_KEY_STORE');
    });
  },
  'cloud-key': async (trx, ids) => {
    const rows = await trx
      .selectFrom('cloud_keys')
      .select(['external_key_id', 'state', 'expires_at', 'can_encrypt', 'can_decrypt'])
      .where('external_key_id', 'in', ids)
      .execute();
    return byName(rows, 'external_key_id', ({ state, expires_at, can_encrypt, can_decrypt }) => {
      const without = [
        ...(can_encrypt === 1 ? [] : ['ENCRYPT' as const]),
        ...(can_decrypt === 1 ? [] : ['DECRYPT' as const]),
      ];
      return {
        ...refusedAs(refusalOf[state]),
        ...(expires_at === null ? {} : { expiresAt: expires_at }),
        ...(without.length === 0 ? {} : { without }),
      };
    });
  },
  credential: async (trx, ids) => {
    const rows = await trx
      .selectFrom('xks_credentials')
      .select(['access_key_id', 'withdrawn_at', 'expires_at'])
      .where('access_key_id', 'in', ids)
      .execute();
    return byName(rows, 'access_key_id', ({ withdrawn_at, expires_at }) => ({
      ...refusedAs(withdrawn_at && 'WITHDRAWN'),
      ...(expires_at === null ? {} : { expiresAt: expires_at }),
    }));
  },
};

/** One that is being made was never served. */
const refusalOf: Readonly<Record<CloudKeyState, Refusal | null>> = {
  CREATING: null,
  AVAILABLE: null,
  DISABLED: 'DISABLED',
  EXPIRED: 'EXPIRED',
  PENDING_DELETION: 'PENDING_DELETION',
  DELETED: 'DELETED',
};

function refusedAs(refused: Refusal | '' | null): Taken {
  return refused === null || refused === '' ? {} : { refused };
}

function byName<R>(rows: readonly R[], key: keyof R, takenOf: (row: R) => Taken): Map<string, Taken> {
  return new Map(rows.map((row) => [String(row[key]), takenOf(row)]));
}
