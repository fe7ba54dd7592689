import type { Root } from 'react-dom/client';

/**
 * A browser may keep a page that is left as it stands, and show it again by "back" (back/forward cache), some even where the
 * answer said no-store. What was shown once must not come back so, nor what somebody saw whose session has ended since: what
 * is left is taken down, and loaded anew by whoever comes back to it.
 */
export function forgetWhenLeft(root: Root): void {
  window.addEventListener('pagehide', ({ persisted }) => {
    if (persisted) root.unmount();
  });
  window.addEventListener('pageshow', ({ persisted }) => {
    if (persisted) window.location.reload();
  });
}
