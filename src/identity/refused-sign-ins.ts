import { aftermathOf, recordAlone, type Act } from '../evidence/trail.ts';
import type { Store } from '../store/store.ts';
import type { VaultContext } from '../vault/context.ts';

/** What was refused: `user` is undefined where no such user is, whose name nobody repeats: it may be a password. */
export interface Refusal {
  action: 'session.begin' | 'session.second-factor' | 'session.confirm-password' | 'user.confirm-totp';
  vaultId: string;
  user: { id: string; username: string } | undefined;
}

interface Row {
  /** When one was last written, milliseconds. */
  writtenAt: number;
  /** Refused since. */
  count: number;
  /** Where from, and how many; so many are named, and the rest is one. */
  addresses: Map<string, number>;
}

/** One row of each account in so long, milliseconds; and one for all unknown names of a vault. */
const oneRowIn = 1000;

const maxAddresses = 20;

/** As many as there are users and vaults at the most. */
const rowsOf = new WeakMap<Store, Map<string, Row>>();

/**
 * Puts a refused sign-in on the record: the first at once, those that follow within the second together in one row
 * with their number, so that guessing does not fill the disk.
 */
export async function recordRefusal(context: VaultContext, act: Act, refusal: Refusal): Promise<void> {
  const rows = rowsOf.get(context.store) ?? new Map<string, Row>();
  rowsOf.set(context.store, rows);
  const name = `${refusal.action} ${refusal.user?.id ?? `of ${refusal.vaultId}`}`;
  const now = performance.now();
  const row = rows.get(name) ?? {
    writtenAt: Number.NEGATIVE_INFINITY,
    count: 0,
    addresses: new Map<string, number>(),
  };
  rows.set(name, row);
  row.count += 1;
  countFrom(row.addresses, act.address, 1);
  if (now - row.writtenAt < oneRowIn) {
    if (row.count === 1)
      setTimeout(() => void writeRow(context, act, refusal, row).catch(() => undefined), oneRowIn).unref();
    return;
  }
  await writeRow(context, act, refusal, row);
}

function countFrom(addresses: Map<string, number>, address: string, count: number): void {
  const name = addresses.has(address) || addresses.size < maxAddresses ? address : 'others';
  addresses.set(name, (addresses.get(name) ?? 0) + count);
}

async function writeRow(context: VaultContext, act: Act, refusal: Refusal, row: Row): Promise<void> {
  const { count, addresses } = row;
  if (count === 0) return;
  row.writtenAt = performance.now();
  row.count = 0;
  row.addresses = new Map();
  try {
    await recordAlone(context.store, aftermathOf(act), {
      action: refusal.action,
      vaultId: refusal.vaultId,
      outcome: 'refused',
      target: { kind: 'user', id: refusal.user?.id ?? '', name: refusal.user?.username ?? '' },
      after: { refusals: count, addresses: Object.fromEntries(addresses) },
    });
  } catch (error) {
    // Counted into the next row.
    row.count += count;
    for (const [address, from] of addresses) countFrom(row.addresses, address, from);
    throw error;
  }
}
