/**
 * Cloudscape's Modal gives the focus back to what opened it, unless a field in it takes the focus at once: then it is lost
 * with the dialog, and whoever has no mouse begins at the top of the page again. Here it is given back after any.
 */
export function giveBackFocus(): void {
  let before: HTMLElement | undefined;
  let isInDialog = false;
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement)) return;
    isInDialog = target.closest('[role=dialog]') !== null;
    if (!isInDialog) before = target;
  });
  // A dialog is in a child of its own of the body.
  new MutationObserver(() => {
    if (!isInDialog || document.querySelector('[role=dialog]') !== null) return;
    isInDialog = false;
    if (document.activeElement === document.body && before?.isConnected === true) before.focus();
  }).observe(document.body, { childList: true });
}
