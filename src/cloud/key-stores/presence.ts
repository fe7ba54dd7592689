import { AwsError } from '../aws/aws-error.ts';
import { KeyStoreError } from '../aws/key-store-errors.ts';
import { isSettling, mayBeThere, notYetShown, type Sighting } from '../aws/presence.ts';
import type { ExternalKeyStore } from './records.ts';
import { readDetails } from './wanted.ts';

/** What is known of when AWS had the key store. Whoever deletes one in AWS deletes it at once: when it was seen says nothing. */
export function storeSighting({ made_at }: Pick<ExternalKeyStore, 'made_at'>): Sighting {
  return { madeAt: made_at === null ? null : new Date(made_at), seenAt: null };
}

/** AWS said that another has name or path, which may be the one that an earlier try made and that no list shows yet. */
export function mayBeOurs(row: ExternalKeyStore, now: Date): boolean {
  const { inUseSince } = readDetails(row);
  return inUseSince !== undefined && isSettling(new Date(inUseSince), now);
}

/** What a failed request on the key store means: AWS does not find what it does not show yet, and some of what it says passes. */
export function toldOfStore(row: ExternalKeyStore, error: unknown, now: Date): unknown {
  if (!(error instanceof AwsError)) return error;
  const isUnshown = error.fault === 'not-found' && mayBeThere(storeSighting(row), 0, now);
  const told = error instanceof KeyStoreError && isUnshown ? notYetShown(error) : error;
  if (!(told instanceof KeyStoreError))
    return told.fault === 'settling' ? new KeyStoreError(told, told) : told;
  return passes(row, told, now) ? told.passing() : told;
}

/** The look before said otherwise: its state has just changed, or AWS shows it late. */
function passes(row: ExternalKeyStore, error: KeyStoreError, now: Date): boolean {
  if (error.code === 'CustomKeyStoreInvalidStateException') return true;
  const { tried = [], inUseSince } = readDetails(row);
  const isAwaited = inUseSince === undefined || mayBeOurs(row, now);
  return row.wanted === 'CREATE' && error.certain && error.isInUse && tried.length > 1 && isAwaited;
}
