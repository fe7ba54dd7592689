import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { lastAnswered } from '../api/client.ts';
import { useIsWatched } from '../api/watched.ts';
import { useNow } from '../parts/time.tsx';
import { frame } from '../texts/frame.ts';
import { signIn as t } from '../texts/sign-in.ts';
import { endOf } from './session-end.ts';
import { homeOf, useSessionFacts, type Session } from './session.tsx';
import { SignInSteps } from './sign-in-steps.tsx';
import { useReturn } from './use-return.ts';

/** Ends a session whose time is over: the node says so only to whoever asks, and to ask would make it longer. */
export function SessionLapse() {
  const { state, lapse } = useSessionFacts();
  const now = useNow();
  const isOver =
    state.kind === 'in' && !state.ended && now >= endOf(state.session, state.told, lastAnswered());
  useEffect(() => {
    if (isOver) lapse();
  }, [isOver, lapse]);
  return null;
}

/** Covers the page for as long as it is there. */
function useCover(): void {
  useEffect(() => {
    const { classList } = document.documentElement;
    classList.add('covered');
    return () => classList.remove('covered');
  }, []);
}

/** Asks who is signed in as soon as somebody is here again, perhaps from another tab, in which they have signed in. */
function useLookAgain(look: () => Promise<unknown>): void {
  const watched = useIsWatched();
  useEffect(() => {
    if (watched) void look();
  }, [watched, look]);
  useReturn(watched, look);
}

/** Over the page that was being worked on, which stays as it is: nothing that was typed is lost. */
export function SessionEnded({ session }: { session: Session }) {
  const { state, look } = useSessionFacts();
  const client = useQueryClient();
  useCover();
  useLookAgain(look);
  useEffect(() => {
    // Signed in again: what failed meanwhile is asked for again.
    return () => void client.invalidateQueries();
  }, [client]);
  const over = document.getElementById('over');
  const other = state.kind === 'in' ? state.other : undefined;
  return (
    <Modal
      visible
      header={t.endedTitle}
      closeAriaLabel={frame.close}
      onDismiss={() => void look()}
      {...(over === null ? {} : { modalRoot: over })}
    >
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
