import type { Schemas } from '../../src/cli/client/api-types.ts';
import { State } from '../parts/state.tsx';
import { useNow } from '../parts/time.tsx';
import { keys as t } from '../texts/keys.ts';

/** What a request for the key meets here. */
export function KeyState({ of: { effectiveState, deletionAt } }: { of: Schemas['CloudKey'] }) {
  const now = useNow();
  if (effectiveState !== 'PENDING_DELETION' || deletionAt === null) return <State of={effectiveState} />;
  const days = Math.floor((Date.parse(deletionAt) - now) / 86_400_000);
  return <State of={effectiveState} more={days < 1 ? t.lessThanADay : t.days(days)} />;
}
