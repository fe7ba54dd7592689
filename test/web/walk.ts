import type { CDPSession, Page, Request, Response } from 'playwright-core';

/*
 * Goes through pages of the console in one tab, as its own links do, and looks at each. What is found is told in lines, so
 * that one run tells everything.
 */

/** In the page: whether something in it is still being loaded. */
const isLoading = `(root) =>
  [...root.querySelectorAll('[class*=awsui_circle-left]')].some((one) => one.checkVisibility())`;

/**
 * In the page: resolves once the page that was gone to is there, with its tab. What is asked for only then has been asked
 * for by the time that it resolves.
 */
const settled = `(async (tab) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const isLoading = ${isLoading};
  const isThere = (main) => {
    const heading = main?.querySelector('h1');
    return heading != null && !heading.hasAttribute('data-left') && !isLoading(main) &&
      (tab === null || main.querySelector('[role=tab][aria-selected=true]')?.dataset.testid === tab);
  };
  // A page that is not there by then never will be: what it shows says why.
  for (const until = performance.now() + 60_000; !isThere(document.querySelector('main')); await frame())
    if (performance.now() > until)
      throw new Error('not there: ' + (document.querySelector('main')?.textContent ?? 'no main').slice(0, 300));
  await frame();
  await frame();
})`;

/** In the page: what the walk below calls by name. */
const tools = `(window.walk ??= (() => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  /** Each frame, until it is so; a page on which it never is says so. */
  const until = async (what, isSo) => {
    for (const end = performance.now() + 60_000; ; await frame()) {
      const found = isSo();
      if (found) return found;
      if (performance.now() > end) throw new Error(what);
    }
  };
  const isLoading = ${isLoading};
  const told = (one) => (one.getAttribute('aria-label') ?? one.textContent).trim();
  const composite = '[role=grid], [role=tablist], [role=toolbar], [role=radiogroup]';
  // Cloudscape measures with copies that nobody sees.
  const isShown = (one) =>
    one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0 && one.closest('[aria-hidden=true]') === null;
  const name = (one) =>
    (one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent).trim() || one.outerHTML.slice(0, 120);
  const isIn = (root, one) => one instanceof Node && root.contains(one);

  const triggers = () =>
    [...document.querySelectorAll('main button:not([role=tab], [role=radio], [aria-haspopup=dialog], [aria-haspopup=listbox])')]
      // Those that change the width of a column are named by its heading.
      .filter((one) => one.checkVisibility() && told(one) !== '');
  const items = () => [...document.querySelectorAll('[role=menuitem]')];
  // The help panel says that it is one, and opens no menu.
  const isMenu = (one) => one.getAttribute('aria-haspopup') === 'true' && !/^Open the help/.test(told(one)) && !one.disabled;
  const dialog = () => document.querySelector('[role=dialog]');

  const called = (of) => triggers().filter((one) => told(one) === of);

  /** What is pressed to begin something, in menus too: \`of\` and \`nth\` name the button, \`item\` what is in its menu. */
  const offeredNow = async () => {
    const found = [];
    const counts = new Map();
    for (const one of triggers()) {
      const of = told(one);
      const nth = counts.get(of) ?? 0;
      counts.set(of, nth + 1);
      // What was listed meanwhile may be listed no more.
      if (!one.isConnected) continue;
      if (!isMenu(one)) {
        found.push({ words: of, of, nth, isDisabled: one.disabled });
        continue;
      }
      one.click();
      await until(of + ' opens no menu', () => items().length > 0);
      found.push(...items().map((item, number) => ({ words: told(item), of, nth, item: number })));
      one.click();
      await until(of + ' closes no menu', () => items().length === 0);
    }
    return found;
  };
  /** Once what is to be there is: what has come is drawn a moment later. What never is has been waited for. */
  const offered = async (owed) => {
    for (const end = performance.now() + 60_000; ; await frame()) {
      const found = await offeredNow();
      const isThere = (act) => found.some(({ words }) => words === act || words.startsWith(act + ': '));
      if (owed.every(isThere) || performance.now() > end) return found;
    }
  };

  let trigger;
  /** False where it is there no more. */
  const focusTrigger = ({ of, nth }) => {
    trigger = called(of)[nth];
    trigger?.focus();
    return trigger !== undefined;
  };
  const menuOpened = async () => {
    await until('no menu by keyboard', () => items().length > 0 && isIn(items()[0].closest('[role=menu]'), document.activeElement));
    return items().indexOf(document.activeElement.closest('[role=menuitem]'));
  };
  const dialogOpened = async () => {
    await until('no dialog, or no focus in it', () => dialog() !== null && isIn(dialog(), document.activeElement) &&
      !isLoading(dialog()));
  };
  const dialogClosed = async () => {
    await until('a dialog that Escape does not close', () => dialog() === null);
    // What is there no more is given nothing.
    const given = async () => until('', () => document.activeElement === trigger || !trigger.isConnected);
    return given().then(() => '', () => 'does not give the focus back to "' + told(trigger) + '": it is on ' + document.activeElement.outerHTML.slice(0, 80));
  };

  /** From now on what has the focus is written down, beginning at the element that has it. */
  let watching;
  const watch = (root, isTrap) => {
    const wanted = [...root.querySelectorAll('a[href], button, input, select, textarea, summary, [role=button], [role=link]')]
      .filter((one) => isShown(one) && !one.disabled && one.getAttribute('aria-disabled') !== 'true' &&
        // Where somebody is in a wizard is no way to somewhere.
        one.getAttribute('aria-current') !== 'step' &&
        // Of these Tab comes to one, and arrows to the others.
        one.closest(composite) === null && !(one.type === 'radio' && !one.checked));
    const composites = [...root.querySelectorAll(composite)].filter(
      (one) => isShown(one) && one.parentElement.closest(composite) === null &&
        one.querySelector('a[href], button:not(:disabled), input:not(:disabled)') !== null);
    const visited = [];
    let left = false;
    let isAround = false;
    const looks = (one) => {
      const around = [one, one.parentElement, one.parentElement.parentElement];
      return JSON.stringify(around.flatMap((part) => [null, '::before', '::after'].map((pseudo) => {
        const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor } = getComputedStyle(part, pseudo);
        return [outlineStyle, outlineWidth, outlineStyle === 'none' ? '' : outlineColor, boxShadow, borderColor];
      })));
    };
    const listener = ({ target }) => {
      // What comes after the end, or once more, was judged before.
      isAround ||= !isTrap && visited.length > 1 && target === visited[0][0];
      if (!isTrap && (left || isAround)) return;
      if (isIn(root, target)) visited.push([target, looks(target)]);
      // The ends of a trap send the focus back at once.
      else if (isTrap) queueMicrotask(() => { left ||= !isIn(root, document.activeElement); });
      else if (visited.length > 0) left = true;
    };
    document.addEventListener('focusin', listener);
    if (!isTrap) {
      root.setAttribute('tabindex', '-1');
      root.focus();
      visited.length = 0;
    }
    watching = { root, isTrap, wanted, composites, visited, looks, listener, hasLeft: () => left, isAround: () => isAround };
    return wanted.length + composites.length;
  };
  const hasEnded = () => watching.hasLeft() || watching.isAround();
  /** What Tab has not come to yet. */
  const missing = () => {
    const stops = watching.visited.map(([one]) => one);
    return [
      ...watching.wanted.filter((one) => one.isConnected && !stops.includes(one)),
      ...watching.composites.filter((one) => one.isConnected && !stops.some((stop) => one.contains(stop))),
    ];
  };
  const judge = () => {
    const { root, isTrap, visited, looks, listener, hasLeft } = watching;
    document.removeEventListener('focusin', listener);
    const wrong = [];
    const stops = visited.map(([one]) => one);
    if (isTrap) {
      if (hasLeft() || !isIn(root, document.activeElement)) wrong.push('Tab leaves the dialog');
    } else {
      document.activeElement?.blur();
      root.removeAttribute('tabindex');
      // What is around the page is there to be gone on to.
      if (!hasLeft() && root.matches('main')) wrong.push('Tab does not leave it: it is on ' + name(stops.at(-1) ?? root).slice(0, 80));
      // What was drawn anew meanwhile has no place any more that could be before another's.
      const placed = stops.filter((one) => one.isConnected);
      for (let at = 1; at < placed.length; at++)
        if (placed[at - 1].compareDocumentPosition(placed[at]) & Node.DOCUMENT_POSITION_PRECEDING)
          { wrong.push('Tab goes back from ' + name(placed[at - 1]) + ' to ' + name(placed[at])); break; }
    }
    for (const one of missing()) wrong.push('Tab does not come to ' + name(one).slice(0, 80));
    for (const [one, focused] of visited)
      // A chart has an element of its own for it, and the ends of a trap are nothing to see.
      if (one.isConnected && one !== document.activeElement && !one.matches('div:empty') && one.closest('[role=application]') === null && looks(one) === focused)
        wrong.push('the focus is not seen on ' + name(one));
    return [...new Set(wrong)];
  };

  /** How much wider the page is than its window, which it is nowhere: a page that is being laid out anew has a moment. */
  const overflow = async () => {
    // However slow the machine is, it has had its frames.
    for (let frames = 0, end = performance.now() + 10_000; ; frames++, await frame()) {
      const over = document.documentElement.scrollWidth - innerWidth;
      if (over <= 0 || (frames > 100 && performance.now() > end)) return over;
    }
  };
  const dressed = async (isNight, width) => {
    await until('not as the system says', () =>
      document.body.classList.contains('awsui-dark-mode') === isNight && innerWidth === width);
    await frame();
    await frame();
  };
  return {
    ...{ offered, focusTrigger, menuOpened, dialogOpened, dialogClosed, dialog, overflow, dressed },
    ...{ watch, hasEnded, missing: () => missing().length, judge },
  };
})())`;

/** Something to press: a button of the page, or an item of the menu that one opens. */
export interface Offered {
  words: string;
  /** What the page's button says, and which of those that say so it is; and which item of its menu. */
  of: string;
  nth: number;
  item?: number;
  isDisabled?: boolean;
}

const keyCodes = { Tab: 9, Enter: 13, Escape: 27, ArrowDown: 40 } as const;
const wide = { width: 1280, height: 900 };
const narrow = { width: 390, height: 800 };

/** A tab in which pages are gone to without loading the console again. */
export class Walk {
  readonly page: Page;
  /** What was found, a line each. */
  readonly found: string[] = [];
  readonly #origin: string;
  /** What has been asked for and has not been answered. */
  readonly #open = new Set<Request>();
  #answered = () => {};
  #where = '';
  #keys: Promise<CDPSession> | undefined;

  constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
    page.on('request', this.#asked);
    page.on('requestfinished', this.#ended);
    page.on('requestfailed', this.#ended);
    page.on('response', this.#see);
  }

  /** Looks no more at what is asked for in its tab. */
  end(): void {
    this.page.off('request', this.#asked);
    this.page.off('requestfinished', this.#ended);
    this.page.off('requestfailed', this.#ended);
    this.page.off('response', this.#see);
  }

  /** Goes to an address within the console, as going back does; what is found there is told of `where`. */
  async go(address: string, where: string): Promise<void> {
    this.#where = where;
    await this.page.evaluate(
      `(() => {
        const to = ${JSON.stringify(address)};
        // Another page has another heading.
        if (location.pathname !== to.split('?')[0]) document.querySelector('main h1')?.setAttribute('data-left', '');
        // As the router numbers what it has pushed itself: it holds back what would leave something typed.
        const idx = (history.state?.idx ?? 0) + 1;
        history.pushState({ usr: null, key: 'walk-' + idx, idx }, '', to);
        dispatchEvent(new PopStateEvent('popstate'));
      })()`,
    );
    await this.settle(/[?&]tab=(\w+)/.exec(address)?.[1]);
  }

  /** Waits until the page is there, and all that it asked for. */
  async settle(tab?: string): Promise<void> {
    do {
      while (this.#open.size > 0) await new Promise<void>((resolve) => (this.#answered = resolve));
      await this.page.evaluate(`${settled}(${JSON.stringify(tab ?? null)})`);
    } while (this.#open.size > 0);
  }

  tell(what: string): void {
    this.found.push(`${this.#where}: ${what}`);
  }

  /** What is there to press, once that is there which is to be. */
  async offered(owed: readonly string[]): Promise<Offered[]> {
    return (await this.#inPage(`offered(${JSON.stringify(owed)})`)) as Offered[];
  }

  /** Whoever has no mouse comes to everything, in the order in which it is read, and sees where they are. */
  async byKeyboard(within: string): Promise<void> {
    const stops = Number(
      await this.#inPage(`watch(document.querySelector(${JSON.stringify(within)}), false)`),
    );
    // What scrolls is a stop too, and so is a chart: a few more, and not for ever where something holds the focus.
    for (let more = stops + 3, left = 2 * stops + 60; left > 0; left -= more, more = 5) {
      await this.#press('Tab', more);
      if ((await this.#inPage('hasEnded()')) === true) break;
    }
    await this.#judge();
  }

  /** A dialog opens by Enter with the focus in it, keeps it, closes by Escape, and gives the focus back. */
  async dialogOf({ words, of, nth, item }: Offered): Promise<void> {
    try {
      if ((await this.#inPage(`focusTrigger(${JSON.stringify({ of, nth })})`)) !== true) return;
      await this.#press('Enter');
      if (item !== undefined) {
        const now = Number(await this.#inPage('menuOpened()'));
        await this.#press('ArrowDown', item - now);
        await this.#press('Enter');
      }
      await this.#inPage('dialogOpened()');
      const stops = Number(await this.#inPage('watch(walk.dialog(), true)'));
      // Once around, and past where it began; again where something took the focus meanwhile.
      for (let more = stops + 3, left = 2 * stops + 30; left > 0; left -= more, more = 5) {
        await this.#press('Tab', more);
        if ((await this.#inPage('missing()')) === 0) break;
      }
      await this.#judge(`the dialog of "${words}": `);
      await this.#press('Escape');
      const lost = String(await this.#inPage('dialogClosed()'));
      if (lost !== '') this.tell(`the dialog of "${words}" ${lost}`);
    } catch (error) {
      throw new Error(`${this.#where}: the dialog of "${words}"`, { cause: error });
    }
  }

  /** By day in a wide window, or by night in that of a telephone. The console goes by what the system says. */
  async dress(when: 'day' | 'night'): Promise<void> {
    const isNight = when === 'night';
    const size = isNight ? narrow : wide;
    await this.page.emulateMedia({ colorScheme: isNight ? 'dark' : 'light' });
    await this.page.setViewportSize(size);
    await this.#inPage(`dressed(${isNight}, ${size.width})`);
  }

  /** The page may be wider than the window where it scrolls within itself, and nowhere else. */
  async fits(): Promise<void> {
    const over = Number(await this.#inPage('overflow()'));
    if (over > 0) this.tell(`is ${over} px wider than its window`);
  }

  async #inPage(what: string): Promise<unknown> {
    return this.page.evaluate(`${tools}.${what}`);
  }

  async #judge(where = ''): Promise<void> {
    for (const wrong of (await this.#inPage('judge()')) as string[]) this.tell(`${where}${wrong}`);
  }

  /** All at once: each is taken in its turn, and only the last is waited for. */
  async #press(key: keyof typeof keyCodes, times = 1): Promise<void> {
    this.#keys ??= this.page.context().newCDPSession(this.page);
    const keys = await this.#keys;
    const event = { key, code: key, windowsVirtualKeyCode: keyCodes[key] };
    const text = key === 'Enter' ? { text: '\r' } : {};
    await Promise.all(
      Array.from({ length: times }).flatMap(() => [
        keys.send('Input.dispatchKeyEvent', {
          type: key === 'Enter' ? 'keyDown' : 'rawKeyDown',
          ...event,
          ...text,
        }),
        keys.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event }),
      ]),
    );
  }

  readonly #asked = (request: Request): void => {
    if (request.url().startsWith(this.#origin)) this.#open.add(request);
  };

  readonly #ended = (request: Request): void => {
    this.#open.delete(request);
    if (this.#open.size === 0) this.#answered();
  };

  /** Nothing was asked for that is not theirs to see. */
  readonly #see = (response: Response): void => {
    if (response.status() === 403)
      this.tell(`403 for ${response.request().method()} ${new URL(response.url()).pathname}`);
  };
}
