import { AwsError } from '../aws/aws-error.ts';
import type { KmsKeys } from '../aws/kms-keys.ts';
import { isGone, lastsAfterSeen, mayBeThere } from '../aws/presence.ts';
import { Waiting, type Step, type Turn } from '../controller/resource.ts';
import { keyInUse, notShown, type AwaitedRequest } from './awaited.ts';
import { gone, taken } from './changes.ts';
import { kmsOf } from './connection.ts';
import { readKey } from './look.ts';
import { readinessOf } from './readiness.ts';
import { sightingOf, type KmsKey, type SeenKey } from './records.ts';
import { search } from './search.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** The request that may have made one, and its account where that was opened already. */
interface Sent {
  awaited?: AwaitedRequest;
  kms?: KmsKeys;
}

/** The external key is, or may be, in use, by the key that an earlier request of ours made or by another. */
export function findStep(
  { context }: Turn,
  row: KmsKey,
  { awaited = { code: keyInUse, since: undefined }, kms: opened }: Sent = {},
): Step<'kms_keys', KmsKey> {
  return {
    operation: 'CreateKey',
    changes: false,
    call: async (note) => {
      const kms = opened ?? (await kmsOf(context, row));
      const result = await search({ context, note }, row, kms, awaited);
      const nobodyWaits = row.leaving !== null || (await readinessOf(context, row)) === 'over';
      switch (result.kind) {
        case 'unshown':
          throw notShown('CreateKey', awaited);
        case 'ours': {
          const seen = await lookAt(kms, result.key.keyId, context.now());
          if (seen === undefined) throw notShown('CreateKey', awaited);
          const how = nobodyWaits ? 'left' : 'found';
          return (now) => (now.key_id === '' ? taken(now, result.key, seen, how, context.now()) : undefined);
        }
        case 'none':
          // What was asked for so lately is made all the same, and no list shows it yet.
          if (mayBeThere(sightingOf(row), lastsAfterSeen.any, context.now()))
            throw notShown('CreateKey', awaited);
          if (nobodyWaits && (result.certain || row.leaving === 'KEEP')) return gone('NEVER_MADE');
          throw result.error;
        case 'another':
          if (nobodyWaits) return gone('NEVER_MADE');
          throw result.error;
        case 'on':
          return new Waiting(result.problem, context.now(), 'kept');
      }
    },
  };
}

/** All that AWS says of a KMS key that was found; undefined where it does not show all of it yet. */
async function lookAt(kms: KmsKeys, keyId: string, now: Date): Promise<SeenKey | undefined> {
  try {
    const seen = await readKey(kms, keyId, { madeAt: null, seenAt: now }, now);
    if (isGone(seen)) throw new VaultError('not-found', 'the KMS key no longer exists');
    return seen;
  } catch (error) {
    if (error instanceof AwsError && error.fault === 'settling') return undefined;
    throw error;
  }
}
