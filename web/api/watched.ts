import { useSyncExternalStore } from 'react';

/*
 * Whether somebody watches: a page that goes on asking by itself would keep a session alive that nobody uses, and the
 * node's limit on idle sessions would hold nobody off.
 */

/** Milliseconds without a key, a pointer or a scroll. */
const unwatchedAfter = 5 * 60_000;

const listeners = new Set<() => void>();
let watched = true;
let timer: ReturnType<typeof setTimeout> | undefined;

function change(now: boolean): void {
  if (now === watched) return;
  watched = now;
  for (const listener of listeners) listener();
}

function touch(): void {
  clearTimeout(timer);
  timer = setTimeout(() => change(false), unwatchedAfter);
  change(true);
}

/** Begins to look for signs of a person. */
export function watch(): void {
  for (const name of ['pointerdown', 'pointermove', 'keydown', 'scroll', 'focus'])
    window.addEventListener(name, touch, { passive: true, capture: true });
  touch();
}

export function useIsWatched(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => watched,
  );
}
