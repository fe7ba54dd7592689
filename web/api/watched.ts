import { useSyncExternalStore } from 'react';

/*
 * Whether somebody watches: a page that goes on asking by itself would keep a session alive that nobody uses, and the
 * node's limit on idle sessions would hold nobody off.
 */

/** Milliseconds without a key or a pointer. */
const unwatchedAfter = 5 * 60_000;

const listeners = new Set<() => void>();
/** Milliseconds of the epoch; undefined while somebody watches. */
let unwatchedSince: number | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

function change(since: number | undefined): void {
  if (since === unwatchedSince) return;
  unwatchedSince = since;
  for (const listener of listeners) listener();
}

function touch(): void {
  clearTimeout(timer);
  timer = setTimeout(() => change(Date.now()), unwatchedAfter);
  change(undefined);
}

/** Where the pointer was last, on the screen: what moves beneath it is not somebody who moves it. */
let pointer = '';

/** Begins to look for signs of a person, and of nothing that the page does by itself, such as to scroll or to focus a field. */
export function watch(): void {
  const options = { passive: true, capture: true };
  for (const name of ['pointerdown', 'keydown', 'wheel']) window.addEventListener(name, touch, options);
  window.addEventListener(
    'pointermove',
    ({ screenX, screenY }) => {
      const before = pointer;
      pointer = `${screenX} ${screenY}`;
      if (pointer !== before) touch();
    },
    options,
  );
  // Of the window: what is within it does not bubble.
  window.addEventListener('focus', touch);
  touch();
}

/** Since when nobody watches, and nothing is asked for; undefined while somebody does. */
export function useUnwatchedSince(): number | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => unwatchedSince,
  );
}

export function useIsWatched(): boolean {
  return useUnwatchedSince() === undefined;
}
