import { AwsError } from '../aws/aws-error.ts';
import { KeyStoreError } from '../aws/key-store-errors.ts';
import { mayBeThere, notYetShown, type Sighting } from '../aws/presence.ts';
import type { ExternalKeyStore } from './records.ts';

/** What is known of when AWS had the key store. Whoever deletes one in AWS deletes it at once: when it was seen says nothing. */
export function storeSighting({ made_at }: Pick<ExternalKeyStore, 'made_at'>): Sighting {
  return { madeAt: made_at === null ? null : new Date(made_at), seenAt: null };
}

/** What a failed request on the key store means: AWS does not find what it does not show yet. */
export function toldOfStore(row: ExternalKeyStore, error: unknown, now: Date): unknown {
  if (!(error instanceof AwsError) || error instanceof KeyStoreError) {
    if (!(error instanceof KeyStoreError) || error.fault !== 'not-found') return error;
    if (!mayBeThere(storeSighting(row), 0, now)) return error;
    const settling = notYetShown(error);
    return new KeyStoreError(settling, settling);
  }
  return new KeyStoreError(error, error);
}
