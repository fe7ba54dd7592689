import { useState } from 'react';
import { call } from '../api/client.ts';
import { useSessionFacts, type Session } from './session.tsx';
import { NewPasswordForm } from './new-password-form.tsx';
import { SecondFactorForm } from './second-factor-form.tsx';
import { SignInForm } from './sign-in-form.tsx';
import type { Schemas } from '../../src/cli/client/api-types.ts';

interface Props {
  vaultId: string | null;
  /** See SignInForm. */
  to?: string;
  username?: string;
  /** Where the sign-in was begun elsewhere, or before the page was loaded again: what it still owes. */
  owed?: Session['state'];
  onState?: (state: Session['state'] | undefined) => void;
}

/** A sign-in from the first step that is owed to the last: password, second factor, new password. */
export function SignInSteps({ vaultId, to, username, owed, onState }: Props) {
  const { enter } = useSessionFacts();
  const [state, setState] = useState<Session['state'] | undefined>(owed);
  const step = (next: Session['state'] | undefined) => {
    setState(next);
    onState?.(next);
  };
  const onStep = (opened: Schemas['OpenedSession']) => {
    // The CSRF token is another after each step.
    enter(opened);
    step(opened.session.state);
  };
  const startOver = () => {
    void call('signOut', {}).catch(() => undefined);
    step(undefined);
  };
  if (state === 'SECOND_FACTOR') return <SecondFactorForm onStep={onStep} onStartOver={startOver} />;
  if (state === 'PASSWORD_CHANGE') return <NewPasswordForm onStep={onStep} />;
  return (
    <SignInForm vaultId={vaultId} onStep={onStep} {...(to === undefined ? {} : { to })} username={username} />
  );
}
