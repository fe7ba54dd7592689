import { isProblemOf } from '../api/problem.ts';

/* Told by whatever request is the first to find out that the session has ended. */

const listeners = new Set<() => void>();

export function onSessionTrouble(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function isSessionTrouble(error: unknown): boolean {
  // A CSRF token that is wrong belongs to another session: somebody has signed in anew in another tab.
  return isProblemOf(
    error,
    'unauthenticated',
    'second-factor-required',
    'password-change-required',
    'csrf-token-required',
  );
}

export function lookForSessionTrouble(error: unknown): void {
  // What one may not see, or is not there for one, may be so because somebody else is signed in by now, or has another role.
  if (isSessionTrouble(error) || isProblemOf(error, 'forbidden', 'not-found'))
    for (const listener of listeners) listener();
}
