import { forgetCreation } from '../../evidence/trail.ts';
import { withdrawIn } from '../../keys/credentials/credential-ends.ts';
import { defaultQuietMinutes, type MadeCredential } from '../../keys/credentials/credential-making.ts';
import { credentialState } from '../../keys/credentials/credential-records.ts';
import type { Reading } from '../../vault/edits.ts';
import { xksUriPath } from '../../vault/names.ts';
import type { AwsAccount } from '../aws/clients.ts';
import { KeyStoreError } from '../aws/key-store-errors.ts';
import { createKeyStore, type AwsKeyStore } from '../aws/key-stores.ts';
import { Waiting, type Failure, type Moment } from '../controller/resource.ts';
import { isLinkedElsewhere, linkedElsewhere } from './checks.ts';
import { isSettled, issued, neverGiven, settlesAt } from './credential-rotation.ts';
import { asColumns } from './mirror.ts';
import {
  done,
  failedWithCredential,
  found,
  lookedForAgain,
  over,
  StoreRefusal,
  type Wanted,
} from './outcomes.ts';
import { mayBeOurs } from './presence.ts';
import { auditedStore, storeEntry, type StoreChange } from './records.ts';
import type { NextOfStore, StorePlan, StoreRow, StoreServed } from './row.ts';
import { problemOfStore, readDetails, writeDetails } from './wanted.ts';

/** A key store that AWS has not, as far as we know, and those that are in the account and Region. */
export interface Making {
  row: StoreRow;
  there: readonly AwsKeyStore[];
  aws: AwsAccount;
  at: Moment;
  db: Reading;
  /** Throws TokenError. */
  makeCredential: () => Promise<MadeCredential>;
}

const operation = 'CreateCustomKeyStore';

/**
 * Makes the key store in AWS; or finds the one that an earlier try made whose answer was lost, by the access key id that
 * only that try had.
 */
export async function nextOfUnmade(on: Making): Promise<NextOfStore> {
  const { row, there, aws, at, makeCredential } = on;
  const { tried = [] } = readDetails(row);
  const made = there.find(({ accessKeyId }) => tried.includes(accessKeyId));
  if (made !== undefined) return found(operation, { served: (now) => adopted(now, made, at.now) });
  if (row.wanted === 'DELETE') return nothingLeft(on);
  // A person who asks again need not wait: should AWS make it yet, it is found, and given another credential.
  const isAwaited = !isSettled(row, at.now) || mayBeOurs(row, at.now);
  if (at.by === 'watch' && isAwaited) return lookedForAgain(row, at.now);
  await checkFree(on);
  const credential = await makeCredential();
  const { accessKeyId } = credential;
  return {
    ...{ operation, changes: true, looksAfterLoss: true, failed: notMade },
    before: {
      served: (now) => {
        const details = readDetails(now);
        const given = [...(details.tried ?? []), accessKeyId];
        return issued(now, credential, 'withdrawn', { ...details, tried: given });
      },
    },
    call: async () => {
      const id = await createKeyStore(aws, row.region, wantedOf(row), credential);
      return { served: (now) => confirmed(now, { id, accessKeyId }, at.now) };
    },
  };
}

/** What AWS is to make. */
function wantedOf(row: StoreRow) {
  return {
    name: row.name,
    connectivity: row.connectivity,
    uriEndpoint: row.uri_endpoint,
    uriPath: xksUriPath(row.keySet.path_prefix),
    vpcEndpointServiceName: row.vpc_endpoint_service_name,
    vpcEndpointServiceOwner: row.vpc_endpoint_service_owner,
  };
}

/** Nothing is to be made any more, and AWS shows nothing that an earlier try made. */
function nothingLeft({ row, at }: Making): NextOfStore {
  const settled = settlesAt(row);
  if (settled === undefined || settled <= at.now) return found(operation, takenBack('done'));
  if (at.by === 'watch') return new Waiting(problemOfStore(row), settled, 'kept');
  throw new StoreRefusal(
    {
      message: 'whether AWS is making the external key store is not known yet',
      remediation: `repeat it after ${settled.toISOString()}, when what AWS may still be doing is over`,
    },
    () => ({ change: { next_check_at: settled.toISOString() } }),
  );
}

/** An earlier try made it, and its answer was lost. What is wanted of it next is written down with that. */
function adopted(row: StoreRow, made: AwsKeyStore, now: Date): StoreServed {
  const { wanted, wanted_details } = row;
  if (wanted === 'DELETE') return confirmed(row, made, now, { wanted, wanted_details });
  const credential = row.credentials.get(made.accessKeyId);
  const isLive = credential !== undefined && credentialState(credential, now) === 'LIVE';
  if (isLive) return confirmed(row, made, now);
  // Its credential was withdrawn by then.
  const { connect } = readDetails(row);
  const details = {
    ...(connect === undefined ? {} : { connect }),
    credential: { quietMinutes: defaultQuietMinutes },
  };
  return confirmed(row, made, now, { wanted: 'UPDATE', wanted_details: writeDetails(details) });
}

/** AWS has it. A credential of another try is in nobody's hands. */
function confirmed(
  row: StoreRow,
  { id, accessKeyId }: Pick<AwsKeyStore, 'id' | 'accessKeyId'>,
  now: Date,
  next: Wanted = { wanted: readDetails(row).connect === true ? 'CONNECT' : null, wanted_details: null },
): StoreServed {
  const at = now.toISOString();
  const made: StoreChange = {
    ...{ ...asColumns(wantedOf(row)), custom_key_store_id: id, access_key_id: accessKeyId },
    ...{ pending_access_key_id: '', state: 'DISCONNECTED', made_at: at, checked_at: at },
  };
  return {
    ...(row.pending_access_key_id === accessKeyId ? {} : neverGiven(row)),
    ...done(row, now, made, next),
    entries: [{ ...storeEntry('made', row), after: { customKeyStoreId: id, accessKeyId } }],
  };
}

/** AWS has not made it; what it says to be in the way may be what an earlier try made, and is looked for then. */
function notMade(failure: Failure): StorePlan | undefined {
  const { error, now } = failure;
  return failedWithCredential(failure, (row) => {
    const details = readDetails(row);
    const isInTheWay = error instanceof KeyStoreError && error.isInUse;
    return isInTheWay ? { wanted_details: writeDetails({ inUseSince: now.toISOString(), ...details }) } : {};
  });
}

/** A creation that came to nothing is taken back, so that it can be asked for anew. */
export function takenBack(outcome: 'done' | 'refused'): StorePlan {
  return {
    served: (row) => ({
      entries: [
        {
          ...storeEntry(outcome === 'done' ? 'deleted' : 'create', row),
          ...{ outcome, before: auditedStore(row) },
        },
      ],
      also: async (trx, act) => {
        await trx.deleteFrom('external_key_stores').where('id', '=', row.id).execute();
        if (row.pending_access_key_id !== '')
          await withdrawIn(trx, act, row.keySet, row.pending_access_key_id);
        await forgetCreation(trx, row.id);
      },
    }),
  };
}

/** Clashes are told in our words before a credential is issued in vain. */
async function checkFree({ row, there, db }: Making): Promise<void> {
  const wanted = wantedOf(row);
  const same = there.find(
    ({ uriEndpoint, uriPath }) =>
      uriEndpoint.toLowerCase() === wanted.uriEndpoint && uriPath === wanted.uriPath,
  );
  if (same === undefined && there.every(({ name }) => name !== wanted.name)) return;
  throw new StoreRefusal(same === undefined ? nameTaken : await addressTaken(db, row, same), (now, at) => {
    const taken = neverGiven(now);
    const { wanted_details } = now;
    return { ...taken, change: { ...taken.change, ...over(now, at).change, wanted_details } };
  });
}

const nameTaken = {
  message: 'another external key store of this AWS account and Region has this name',
  remediation: 'take another name',
};

async function addressTaken(db: Reading, row: StoreRow, { id }: AwsKeyStore) {
  return {
    message: `the AWS account has an external key store with this endpoint and path already: ${id}`,
    remediation: (await isLinkedElsewhere(db, row.vault_id, row, id))
      ? `it is linked to another key set: ${linkedElsewhere}`
      : `link it: holdfast external-key-store link --id ${id}; where it was deleted just now, repeat in a minute: AWS lists it for a while`,
  };
}
