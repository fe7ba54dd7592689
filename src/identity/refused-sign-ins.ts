import { recordAlone, type Act } from '../audit/trail.ts';
import type { Store } from '../store/store.ts';
import type { House } from '../vault/house.ts';

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
}

/** One row of each account in so long, milliseconds; and one for all unknown names of a vault. */
const oneRowIn = 1000;

/** As many as there are users and vaults at the most. */
const rowsOf = new WeakMap<Store, Map<string, Row>>();

/**
 * Puts a refused sign-in on the record: the first at once, those that follow within the second together in one row
 * with their number, so that guessing does not fill the disk.
 */
export async function recordRefusal(house: House, act: Act, refusal: Refusal): Promise<void> {
  const rows = rowsOf.get(house.store) ?? new Map<string, Row>();
  rowsOf.set(house.store, rows);
  const name = `${refusal.action} ${refusal.user?.id ?? `of ${refusal.vaultId}`}`;
  const now = performance.now();
  const row = rows.get(name) ?? { writtenAt: Number.NEGATIVE_INFINITY, count: 0 };
  rows.set(name, row);
  row.count += 1;
  if (now - row.writtenAt < oneRowIn) {
    if (row.count === 1)
      setTimeout(() => void writeRow(house, act, refusal, row).catch(() => undefined), oneRowIn).unref();
    return;
  }
  await writeRow(house, act, refusal, row);
}

async function writeRow(house: House, act: Act, refusal: Refusal, row: Row): Promise<void> {
  const { count } = row;
  if (count === 0) return;
  row.writtenAt = performance.now();
  row.count = 0;
  try {
    await recordAlone(house.store, act, {
      action: refusal.action,
      vaultId: refusal.vaultId,
      outcome: 'refused',
      target: { kind: 'user', id: refusal.user?.id ?? '', name: refusal.user?.username ?? '' },
      after: { refusals: count },
    });
  } catch (error) {
    // Counted into the next row.
    row.count += count;
    throw error;
  }
}
