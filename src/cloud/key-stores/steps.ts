import { connectKeyStore, deleteKeyStore, type ConnectionState } from '../aws/key-stores.ts';
import { isAwsCode } from '../aws/kms-errors.ts';
import { removed } from '../aws/presence.ts';
import { disconnect, disconnectFirst, goesDown, goingDown, type Case } from './disconnecting.ts';
import { done, found, StoreRefusal } from './outcomes.ts';
import { storeSighting } from './presence.ts';
import { removedWith } from './removal.ts';
import type { NextOfStore, StorePlan, StoreStep } from './row.ts';
import { update } from './updating.ts';
import { readDetails, writeDetails } from './wanted.ts';

/*
 * The one next step of an external key store that AWS has, by what is wanted and what AWS shows. AWS is asked whatever it
 * shows where that may be from before: it takes a request in every state but those that have to end first (API Reference,
 * ConnectCustomKeyStore, DisconnectCustomKeyStore).
 */

type Decide = (on: Case) => NextOfStore | Promise<NextOfStore>;

/** AWS is at it; the look has set the time of the next. */
const wait: Decide = () => undefined;

type Decisions = Readonly<Record<ConnectionState, Decide>>;

// A line for what is wanted, a column for what AWS shows.
// prettier-ignore
const table: Readonly<Record<'CONNECT' | 'DISCONNECT' | 'UPDATE' | 'DELETE', Decisions>> = {
  CONNECT:    { CONNECTED: connect,    CONNECTING: connect,    FAILED: connectFailed, DISCONNECTING: wait,       DISCONNECTED: connect },
  DISCONNECT: { CONNECTED: disconnect, CONNECTING: disconnect, FAILED: disconnect,    DISCONNECTING: disconnect, DISCONNECTED: disconnect },
  UPDATE:     { CONNECTED: update,     CONNECTING: update,     FAILED: update,        DISCONNECTING: update,     DISCONNECTED: update },
  DELETE:     { CONNECTED: removeUp,   CONNECTING: removeUp,   FAILED: removeUp,      DISCONNECTING: wait,       DISCONNECTED: remove },
};

export async function nextOfMade(on: Case): Promise<NextOfStore> {
  const { wanted } = on.row;
  return wanted === null || wanted === 'CREATE' ? undefined : table[wanted][on.seen.state](on);
}

function connect({ row, seen, aws, at }: Case): StoreStep {
  // That it is CONNECTED is certain only where it was so all the time.
  const isUp = seen.state === 'CONNECTED' && seen.before === 'CONNECTED';
  return {
    operation: 'ConnectCustomKeyStore',
    changes: true,
    before: (now) => ({ change: { wanted_details: writeDetails({ ...readDetails(now), sent: true }) } }),
    call: async () => {
      await connectKeyStore(aws, row.region, seen.id);
      return (now) =>
        done(now, at.now, {
          ...{ state: isUp ? 'CONNECTED' : 'CONNECTING', connection_error: '' },
          ...(readDetails(now).afterRefusal === true ? { problem: now.problem } : {}),
        });
    },
  };
}

/** FAILED is the outcome where AWS was asked; else it is from before, and has to be disconnected first. */
function connectFailed(on: Case): StoreStep {
  if (readDetails(on.row).sent !== true) return disconnectFirst(on);
  return found('ConnectCustomKeyStore', (now) => done(now, on.at.now));
}

function remove(on: Case): StoreStep {
  return { operation: 'DeleteCustomKeyStore', changes: true, call: async () => deleted(on) };
}

/**
 * AWS has no list of the KMS keys in a key store. But a request to delete it, which AWS cannot obey while it is connected,
 * may say that there are some, or that we may not: then it is not disconnected, for whoever uses them.
 */
function removeUp(on: Case): StoreStep {
  const { row, aws, at } = on;
  if (readDetails(row).disconnect !== true) throw new StoreRefusal(stillConnected);
  return {
    operation: 'DeleteCustomKeyStore',
    changes: true,
    call: async () => {
      try {
        return await deleted(on);
      } catch (error) {
        if (!isAwsCode(error, 'CustomKeyStoreInvalidStateException')) throw error;
        await goesDown(aws, row);
        return (now) => goingDown(now, at.now);
      }
    },
  };
}

async function deleted({ row, seen, aws, at }: Case): Promise<StorePlan> {
  const gone = await removed(
    async () => deleteKeyStore(aws, row.region, seen.id),
    storeSighting(row),
    at.now,
  );
  return removedWith(gone);
}

const stillConnected = {
  message: 'AWS KMS deletes an external key store only while it is disconnected',
  remediation: 'disconnect it first, or have it disconnected before (--disconnect)',
};
