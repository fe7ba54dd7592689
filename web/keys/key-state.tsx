import Box from '@cloudscape-design/components/box';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { State } from '../parts/state.tsx';
import { useNow } from '../parts/time.tsx';
import { keys as t } from '../texts/keys.ts';

interface Props {
  of: Schemas['CloudKey'];
}

/** What a request for the key meets here. */
export function KeyState({ of }: Props) {
  return <State of={of.effectiveState} more={useLeft(of)} />;
}

/** The same in a column, where the days that are left stand beneath. */
export function KeyStateLines({ of }: Props) {
  const left = useLeft(of);
  return (
    <>
      <State of={of.effectiveState} />
      {left !== undefined && (
        <Box color="text-body-secondary" fontSize="body-s">
          {left}
        </Box>
      )}
    </>
  );
}

/** Until its key objects are destroyed; undefined where they are not going to be. */
function useLeft({ effectiveState, deletionAt }: Schemas['CloudKey']): string | undefined {
  const now = useNow();
  if (effectiveState !== 'PENDING_DELETION' || deletionAt === null) return undefined;
  const days = Math.floor((Date.parse(deletionAt) - now) / 86_400_000);
  return days < 1 ? t.lessThanADay : t.days(days);
}
