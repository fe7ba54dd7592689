import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { frame } from '../texts/frame.ts';
import { signIn as t } from '../texts/sign-in.ts';
import { homeOf, useSessionFacts, type Session } from './session.tsx';
import { SignInSteps } from './sign-in-steps.tsx';

/** Over the page that was being worked on, which stays as it is: nothing that was typed is lost. */
export function SessionEnded({ session }: { session: Session }) {
  const { state, look } = useSessionFacts();
  const client = useQueryClient();
  useEffect(() => {
    // Signed in again: what failed meanwhile is asked for again.
    return () => void client.invalidateQueries();
  }, [client]);
  const other = state.kind === 'in' ? state.other : undefined;
  return (
    <Modal visible header={t.endedTitle} closeAriaLabel={frame.close} onDismiss={() => void look()}>
      <SpaceBetween size="m">
        <Box>{t.endedWhy}</Box>
        {other !== undefined && (
          <Box>
            {t.endedOther(other.user.username)}{' '}
            <Button variant="inline-link" onClick={() => window.location.assign(homeOf(other.user))}>
              {frame.goToMine}
            </Button>
          </Box>
        )}
        <SignInSteps vaultId={session.user.vaultId} username={session.user.username} />
        <Button variant="inline-link" onClick={() => void look()}>
          {t.endedElsewhere}
        </Button>
      </SpaceBetween>
    </Modal>
  );
}
