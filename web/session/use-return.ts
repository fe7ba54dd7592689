import { useEffect } from 'react';

/** Calls `back` each time that somebody comes back to the page, perhaps from another tab of it in which they have signed in or out. */
export function useReturn(isAwaited: boolean, back: () => unknown): void {
  useEffect(() => {
    if (!isAwaited) return;
    const again = () => {
      if (document.visibilityState === 'visible') void back();
    };
    // As what is shown is asked for again.
    window.addEventListener('visibilitychange', again);
    window.addEventListener('focus', again);
    return () => {
      window.removeEventListener('visibilitychange', again);
      window.removeEventListener('focus', again);
    };
  }, [isAwaited, back]);
}
