import type { MadeCredential } from '../../keys/credentials/credential-making.ts';
import type { AwsAccount } from '../aws/clients.ts';
import { disconnectKeyStore } from '../aws/key-stores.ts';
import { isAwsCode } from '../aws/kms-errors.ts';
import type { Moment } from '../controller/resource.ts';
import type { Shown } from './mirror.ts';
import { done, nextLook } from './outcomes.ts';
import type { StoreRecorded, StoreRow, StoreStep } from './row.ts';

/** A key store as it is on record and as AWS shows it. */
export interface Case {
  row: StoreRow;
  seen: Shown;
  aws: AwsAccount;
  at: Moment;
  /** Throws TokenError. */
  makeCredential: () => Promise<MadeCredential>;
}

export function disconnect({ row, seen, aws, at }: Case): StoreStep {
  return {
    operation: 'DisconnectCustomKeyStore',
    changes: true,
    call: async () => {
      const wasUp = await goesDown(aws, row);
      const isDown = !wasUp && seen.state === 'DISCONNECTED';
      return (now) =>
        done(now, at.now, { state: isDown ? 'DISCONNECTED' : 'DISCONNECTING', connection_error: '' });
    },
  };
}

/** What comes after goes on once AWS has disconnected it. */
export function disconnectFirst({ row, aws, at }: Case): StoreStep {
  return {
    operation: 'DisconnectCustomKeyStore',
    changes: true,
    call: async () => {
      await goesDown(aws, row);
      return (now) => goingDown(now, at.now);
    },
  };
}

/**
 * Has AWS disconnect it. False where it was disconnected, or being so, already: only then does AWS say that the state is
 * wrong, and unlike what it shows that is never from before.
 */
export async function goesDown(aws: AwsAccount, { region, custom_key_store_id }: StoreRow): Promise<boolean> {
  try {
    await disconnectKeyStore(aws, region, custom_key_store_id);
    return true;
  } catch (error) {
    if (isAwsCode(error, 'CustomKeyStoreInvalidStateException')) return false;
    throw error;
  }
}

export function goingDown(row: StoreRow, now: Date): StoreRecorded {
  const change = { state: 'DISCONNECTING', connection_error: '', problem: null } as const;
  return { change: { ...change, next_check_at: nextLook({ ...row, ...change }, now) }, again: true };
}
