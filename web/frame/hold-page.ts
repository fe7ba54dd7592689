import { useEffect } from 'react';

/** Whoever signs out has said that they leave. */
let isLetGo = false;

export function letPageGo(): void {
  isLetGo = true;
}

/** Has the browser ask before the page is closed or loaded anew, while something on it would be lost. */
export function useHeldPage(isHeld: boolean): void {
  useEffect(() => {
    if (!isHeld) return;
    const ask = (event: BeforeUnloadEvent) => {
      if (!isLetGo) event.preventDefault();
    };
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isHeld]);
}
