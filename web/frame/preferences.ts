import { applyDensity, applyMode, Density, Mode } from '@cloudscape-design/global-styles';
import { useSyncExternalStore } from 'react';

/* How somebody wants the console to look, kept in their browser. */

export type Appearance = 'system' | 'light' | 'dark';

interface Preferences {
  appearance: Appearance;
  density: 'comfortable' | 'compact';
  navigationOpen: boolean;
}

const place = 'holdfast.preferences';
const initial: Preferences = { appearance: 'system', density: 'comfortable', navigationOpen: true };
const listeners = new Set<() => void>();
const system = window.matchMedia('(prefers-color-scheme: dark)');

let preferences = read();

function read(): Preferences {
  try {
    return { ...initial, ...(JSON.parse(localStorage.getItem(place) ?? '{}') as Partial<Preferences>) };
  } catch {
    return initial;
  }
}

/** To be called once, before anything is shown. */
export function applyPreferences(): void {
  const dark = preferences.appearance === 'dark' || (preferences.appearance === 'system' && system.matches);
  applyMode(dark ? Mode.Dark : Mode.Light);
  applyDensity(preferences.density === 'compact' ? Density.Compact : Density.Comfortable);
  document.documentElement.classList.toggle('dark', dark);
}

system.addEventListener('change', applyPreferences);

export function setPreferences(change: Partial<Preferences>): void {
  preferences = { ...preferences, ...change };
  try {
    localStorage.setItem(place, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing: until it is closed, then.
  }
  applyPreferences();
  for (const listener of listeners) listener();
}

/** From where on Cloudscape lays the navigation over the page. */
const narrow = window.matchMedia('(max-width: 688px)');

export function isNarrow(): boolean {
  return narrow.matches;
}

export function useIsNarrow(): boolean {
  return useSyncExternalStore((listener) => {
    narrow.addEventListener('change', listener);
    return () => narrow.removeEventListener('change', listener);
  }, isNarrow);
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => preferences,
  );
}
