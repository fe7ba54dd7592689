import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import type { Schemas } from '../../src/cli/client/api-types.ts';
import { call, setCsrfToken } from '../api/client.ts';
import { operations, type OperationName, type OperationFacts } from '../api/operations.ts';
import { isProblemOf, type ProblemError } from '../api/problem.ts';
import { letPageGo } from '../frame/hold-page.ts';
import { onSessionTrouble } from './trouble.ts';
import { useReturn } from './use-return.ts';

export type Session = Schemas['Session'];

type State =
  | { kind: 'looking' }
  | { kind: 'unreachable'; problem: ProblemError }
  | { kind: 'out' }
  /**
   * `ended`: it was there, and the page that it was for still is. `other`: whose session this browser has by now. `told`: when the
   * node told of it, milliseconds of the epoch by this browser's clock.
   */
  | { kind: 'in'; session: Session; told: number; ended: boolean; other?: Session };

interface SessionFacts {
  state: State;
  /** A sign-in came to its end, or a step of one. */
  enter: (opened: Schemas['OpenedSession']) => void;
  /** Asks the node who is signed in; answers the session. */
  look: () => Promise<Session | undefined>;
  /** Its time is over, by what the node has told of it. */
  lapse: () => void;
  leave: () => Promise<void>;
}

const Context = createContext<SessionFacts | undefined>(undefined);

export function SessionProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<State>({ kind: 'looking' });

  const look = useCallback(async (): Promise<Session | undefined> => {
    try {
      const { body } = await call('getSession', {});
      setCsrfToken(body.csrfToken);
      setState((now) => entered(now, body));
      return body;
    } catch (error) {
      if (isProblemOf(error, 'unauthenticated'))
        setState((now) => (now.kind === 'in' ? { ...now, ended: true } : { kind: 'out' }));
      else
        setState((now) =>
          now.kind === 'in' ? now : { kind: 'unreachable', problem: error as ProblemError },
        );
      return undefined;
    }
  }, []);

  useEffect(() => void look(), [look]);
  // It may be that only the CSRF token is another, by a sign-in in another tab.
  useEffect(() => onSessionTrouble(() => void look()), [look]);
  const isShown = state.kind === 'in' && state.session.state === 'ACTIVE' && !state.ended;
  // Another tab may have signed out since, and in as somebody else: what is shown here is not theirs.
  useReturn(isShown, look);

  const enter = useCallback(({ session, csrfToken }: Schemas['OpenedSession']) => {
    setCsrfToken(csrfToken);
    setState((now) => entered(now, session));
  }, []);

  const lapse = useCallback(() => setState((now) => (now.kind === 'in' ? { ...now, ended: true } : now)), []);

  const leave = useCallback(async () => {
    try {
      await call('signOut', {});
    } catch (error) {
      if (!isProblemOf(error, 'unauthenticated')) throw error;
    }
    setCsrfToken(undefined);
    letPageGo();
    // Nothing of what was shown stays in the memory of the page.
    window.location.reload();
  }, []);

  const facts = useMemo(() => ({ state, enter, look, lapse, leave }), [state, enter, look, lapse, leave]);
  return <Context value={facts}>{children}</Context>;
}

export function useSessionFacts(): SessionFacts {
  const facts = use(Context);
  if (facts === undefined) throw new Error('there is no SessionProvider above');
  return facts;
}

/** The session of a page for people who are signed in. */
export function useSession(): Session {
  const { state } = useSessionFacts();
  if (state.kind !== 'in') throw new Error('this page is for people who are signed in');
  return state.session;
}

/** Whether the session's user may do an operation: what they may not do is not offered. */
export function useMay(): (operation: OperationName) => boolean {
  const { user } = useSession();
  return useCallback(
    (operation) => {
      const facts: OperationFacts = operations[operation];
      const needed = user.vaultId === null ? facts.appliance : facts.vault;
      if (facts.appliance === undefined && facts.vault === undefined) return true;
      return needed !== undefined && (user.permissions as readonly string[]).includes(needed);
    },
    [user],
  );
}

/** The vault that is signed in to, for the paths of its operations. */
export function useVaultId(): string {
  const { vaultId } = useSession().user;
  if (vaultId === null) throw new Error('this page is for users of a vault');
  return vaultId;
}

/** Where a user begins. */
export function homeOf({ vaultId }: Pick<Session['user'], 'vaultId'>): string {
  return vaultId === null ? '/console/appliance' : `/console/vaults/${vaultId}`;
}

/** A page that somebody works on is left to them alone, and stays until their sign-in is whole. */
function entered(now: State, session: Session): State {
  const told = Date.now();
  if (now.kind !== 'in' || now.session.state !== 'ACTIVE') return { kind: 'in', session, told, ended: false };
  if (now.session.user.id !== session.user.id) return { ...now, ended: true, other: session };
  return session.state === 'ACTIVE'
    ? { kind: 'in', session, told, ended: false }
    : { kind: 'in', session: now.session, told, ended: true };
}
