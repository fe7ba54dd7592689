import test from 'ava';
import type { Page } from 'playwright-core';
import type { Role } from '../../src/store/schema.ts';
import { axeViolations } from '../../testing/browser.ts';
import { actsAt, hasDialog, hasOwnActs, operationOf } from './acts.ts';
import { furnish, markup, mine, others, planted, type Furnished } from './furnished.ts';
import { may, ofVault, own, walkers, type Place } from './places.ts';
import type { ConsoleStage } from './stage.ts';
import { freeFields, goneFields } from './text-fields.ts';
import { Walk, type Offered } from './walk.ts';

/** Heading of a page that somebody may not see. */
const notTheirs = 'Not for your role';
/** What tells night from day. */
const ofColours = ['color-contrast'];
/** The panel of the tab that is open. */
const tabPanel = '[role=tabpanel][class*=tabs-content-active]';
/** Pages of the other vault that show what somebody has typed there. */
const withTexts = new Set([
  ...['', 'csp-accounts', 'admin-groups', 'users', 'settings', 'requests', 'audit', 'account/sessions'],
  ...['cloud-keys/:cloudKeyId', 'key-sets/:keySetId', 'csp-accounts/:cspAccountId'],
  ...['external-key-stores/:keySetId/:externalKeyStoreId', 'kms-keys/:cloudKeyId/:kmsKeyId?tab=policy'],
]);
/** Texts that come in otherwise than by a body of the API. */
const ofStrangers = ['awsPrincipalArn', 'kmsRequestId', 'userAgent'];

type Acts = ReadonlyMap<string, Offered>;

/** The acts that a page offers, by their words: no other than the API lets them do, and none of those left out. */
async function actsOf(walk: Walk, role: Role, { path: where }: Place, isOfVault: boolean): Promise<Acts> {
  const named = Object.entries(actsAt(where, isOfVault));
  const owed = named.flatMap(([words, operation]) => (may(role, operation) ? [words] : []));
  const acts = new Map<string, Offered>();
  for (const one of await walk.offered(owed)) {
    const operation = operationOf(where, isOfVault, one.words);
    if (operation === undefined) walk.tell(`"${one.words}" is no act that test/web/acts.ts knows`);
    else if (operation !== null) {
      acts.set(one.words, one);
      if (!may(role, operation)) walk.tell(`"${one.words}" is offered, and refused`);
    }
  }
  for (const words of owed)
    if (![...acts.keys()].some((one) => one === words || one.startsWith(`${words}: `)))
      walk.tell(`"${words}" is not offered, and not refused`);
  return acts;
}

/** What the node and the console are made of, each with its licence. */
async function licencesOf({ page }: Walk): Promise<void> {
  const known = { '@aws-sdk/client-kms': 'Apache-2.0', '@cloudscape-design/components': 'Apache-2.0' };
  for (const [name, licence] of Object.entries(known))
    await page.locator('tr', { hasText: name }).filter({ hasText: licence }).first().waitFor();
}

/** Who is in a group is seen, and by some of those who see it changed, in a dialog of the page. */
async function membersOf(walk: Walk, role: Role): Promise<void> {
  if (!may(role, 'listAdminGroupMembers')) return;
  await walk.page
    .getByRole('button', { name: / Members of / })
    .first()
    .click();
  const dialog = walk.page.getByRole('dialog');
  await dialog.waitFor();
  await walk.settle();
  const add = dialog.getByRole('button', { name: 'Add', exact: true });
  const close = dialog.getByRole('button', { name: 'Close' });
  if (may(role, 'addAdminGroupMember')) await add.waitFor();
  else if ((await add.or(dialog.getByRole('button', { name: /^Take / })).count()) > 0)
    walk.tell('who is in a group can be changed, and is refused');
  await close.click();
  await dialog.waitFor({ state: 'detached' });
}

/** Nothing of another's is in the page, seen or not: their names have this in them. */
async function isOwn(walk: Walk, whose = others): Promise<void> {
  if ((await walk.page.locator('#root').innerHTML()).includes(whose)) walk.tell(`has "${whose}" in it`);
}

/** Of what is not theirs the page says no more than of what never was. */
async function nothing(walk: Walk): Promise<void> {
  await walk.page.getByRole('heading', { level: 1, name: 'There is nothing at this address' }).waitFor();
  await isOwn(walk, mine);
}

/** What looks like markup was there to be run, and is text. */
async function isText(walk: Walk): Promise<void> {
  await walk.page.locator('main', { hasText: markup }).waitFor();
  const made = await walk.page.evaluate(
    "document.querySelectorAll('[onerror], img[src=x], a[href^=javascript], script:not([src])').length",
  );
  if (made !== 0) walk.tell('text has become an element');
}

async function axe(walk: Walk, within: string | undefined, rules?: readonly string[]): Promise<void> {
  const where = { ...(within === undefined ? {} : { within }), ...(rules === undefined ? {} : { rules }) };
  for (const violation of await axeViolations(walk.page, where)) walk.tell(violation);
}

/** The page of one record, by its id. */
function isOfRecord({ path: where }: Place): boolean {
  return /\/:\w+Id$/.test(where);
}

/** What is around every page is looked at once, and what is above the tabs of one with the first of them. */
function withinOf(one: Place, places: readonly Place[]): string | undefined {
  if (one === places[0]) return undefined;
  return one.path.includes('?') ? tabPanel : 'main';
}

export function testPages(open: () => ConsoleStage): void {
  let furnished: Promise<Furnished> | undefined;
  const all = async () => (furnished ??= furnish(open()));

  /** One tab for all: whoever comes next is signed in to it, and the browser has all that the page loads. */
  let page: Page | undefined;
  let walk: Walk | undefined;
  const enter = async (
    role: Role,
    vaultId: string,
    ids: Record<string, string>,
    name: string = role,
    userAgent?: string,
  ) => {
    const stage = open();
    page ??= await (await stage.browser.person()).newPage();
    walk?.end();
    // The page of whoever was there before asks for nothing more, which would be refused to the next.
    await page.goto('about:blank');
    const { userId } = await stage.signedIn(page.context(), vaultId, name, role, userAgent);
    const base = vaultId === '' ? '/console/appliance' : `/console/vaults/${vaultId}`;
    const now = new Walk(page, stage.origin);
    walk = now;
    return {
      ...{ walk: now, page, userId },
      load: async () => {
        await now.page.goto(`${stage.origin}${base}`);
        await now.settle();
      },
      go: async ({ path: where }: Place, of = ids) =>
        now.go(
          `${base}${where === '' ? '' : '/'}${where.replaceAll(/:(\w+)/g, (_, id: string) => of[id] ?? id)}`,
          `${name} at "${where}"`,
        ),
    };
  };
  /** Dialogs that were gone through: those of a page are on each of its tabs. */
  const opened = new Set<string>();

  for (const { role, places, lesser } of walkers) {
    const isOfVault = role === 'vault-admin';
    const vaultOf = ({ vault }: Furnished) => (isOfVault ? vault.id : '');

    let entered: ReturnType<typeof enter> | undefined;
    const boss = async () => {
      const whole = await all();
      return (entered ??= enter(role, vaultOf(whole), whole.ids));
    };

    // A test that takes minutes on a busy machine could not be told from one that hangs.
    const parts = Array.from({ length: Math.ceil(places.length / 6) }, (_, n) =>
      places.slice(6 * n, 6 * n + 6),
    );
    for (const part of parts)
      test.serial(
        `pages of the ${role} from "${part[0]?.path}" on, by day and by keyboard alone`,
        async (t) => {
          const { walk: here, go, load } = await boss();
          if (part[0] === places[0]) await load();
          for (const one of part) {
            await go(one);
            await axe(here, withinOf(one, places));
            // With what is around every page.
            await here.byKeyboard(one === places[0] ? '#root' : 'main');
            const acts = await actsOf(here, role, one, isOfVault);
            await isOwn(here);
            if (one.path === 'vaults') await isText(here);
            if (one.path === 'about') await licencesOf(here);
            if (one.path === 'admin-groups') await membersOf(here, role);
            // Those of the appliance are made of the same parts.
            for (const act of isOfVault ? acts.values() : []) {
              const [where = ''] = one.path.split('?');
              const dialog = `${where} ${act.words}`;
              if (act.isDisabled === true || opened.has(dialog) || !hasDialog(where, act.words)) continue;
              opened.add(dialog);
              await here.dialogOf(act);
            }
          }
          t.deepEqual(here.found, []);
          t.deepEqual(open().browser.complaints, []);
        },
      );

    test.serial(`pages of the ${role}, by night and in a window of 390 px`, async (t) => {
      const { walk: here, go } = await boss();
      await here.dress('night');
      for (const one of places) {
        await go(one);
        await axe(here, withinOf(one, places), ofColours);
        await here.fits();
      }
      await here.dress('day');
      t.deepEqual(here.found, []);
      t.deepEqual(open().browser.complaints, []);
    });

    for (const other of lesser)
      test.serial(`the ${other} is offered what they may do of what the ${role} is`, async (t) => {
        const whole = await all();
        const theirs = await enter(other, vaultOf(whole), whole.ids);
        if (other === 'cloud-admin') await whole.join(theirs.userId);
        await theirs.load();
        const side = theirs.page.getByRole('navigation', { name: 'Navigation' }).getByRole('link');
        const isTheirs = ({ needs }: Place) => needs === undefined || may(other, needs);
        t.deepEqual(
          (await side.allTextContents()).slice(1),
          places.flatMap((one) => (one.name !== undefined && isTheirs(one) ? [one.name] : [])),
        );
        const pageOf = ({ path: where }: Place) => places.find((one) => one.path === where.split('?')[0]);
        let refused = 0;
        for (const one of places) {
          // What is one's own is the same for everybody, and so is a tab that has no acts but those of its page.
          if (own.includes(one) || (one.path.includes('?') && !hasOwnActs(one.path))) continue;
          if (one.path.includes('?') && !isTheirs(pageOf(one) ?? one)) continue;
          await theirs.go(one);
          const isRefused = (await theirs.page.locator('main h1').innerText()) === notTheirs;
          if (isRefused === isTheirs(one)) theirs.walk.tell(isRefused ? 'is not shown' : 'is shown');
          if (!isRefused) {
            await actsOf(theirs.walk, other, one, isOfVault);
            if (one.path === 'admin-groups') await membersOf(theirs.walk, other);
            await isOwn(theirs.walk);
            continue;
          }
          // By its address, for instance out of an old bookmark: words, and a way on.
          await theirs.page.getByRole('link', { name: 'To the start' }).waitFor();
          refused += 1;
          if (refused === 1) await axe(theirs.walk, 'main');
        }
        t.deepEqual(theirs.walk.found, []);
        t.is(refused, places.filter((one) => !isTheirs(one)).length);
        t.deepEqual(open().browser.complaints, []);
      });
  }

  test.serial('whoever is of another group or of another vault sees nothing of it', async (t) => {
    const { ids, vault } = await all();
    const stranger = await enter('cloud-admin', vault.id, ids, 'of-no-group');
    await stranger.load();
    for (const one of ofVault) {
      if (one.name === undefined || !may('cloud-admin', one.needs ?? '')) continue;
      await stranger.go(one);
      await isOwn(stranger.walk, mine);
    }
    for (const one of ofVault.filter(isOfRecord)) {
      await stranger.go(one);
      await nothing(stranger.walk);
    }
    await axe(stranger.walk, 'main');
    t.deepEqual(stranger.walk.found, []);
    t.deepEqual(open().browser.complaints, []);

    const boss = await enter('appliance-admin', '', ids, 'of-the-appliance');
    const asked: string[] = [];
    boss.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await boss.page.goto(`${open().origin}/console/vaults/${vault.id}/cloud-keys`);
    await boss.page.getByText('You are signed in elsewhere').waitFor();
    await axe(boss.walk, undefined);
    // It was not even asked for.
    t.deepEqual(
      asked.filter((one) => one.startsWith(`/api/v1/vaults/${vault.id}`)),
      [],
    );
    t.deepEqual(boss.walk.found, []);
    t.deepEqual(open().browser.complaints, []);
  });

  test.serial('text that is markup or a link is text, in every list and on every page', async (t) => {
    const { ids, other } = await all();
    const browser = planted('userAgent');
    const reader = await enter('vault-admin', other.vault.id, other.ids, 'reader', browser);
    const alerts: string[] = [];
    reader.page.on('dialog', (dialog) => {
      alerts.push(dialog.message());
      void dialog.dismiss();
    });
    await reader.load();
    let seen = '';
    const panels = other.panels.map((path) => ({ path }));
    for (const one of [...ofVault.filter((place) => withTexts.has(place.path)), ...panels]) {
      await reader.go(one);
      await isText(reader.walk);
      await isOwn(reader.walk, mine);
      seen += String(await reader.page.evaluate('document.body.textContent'));
    }
    // Every text that the API takes was planted, or says what narrows it: a new one is missed here.
    const free = [...freeFields(), ...ofStrangers];
    const lower = seen.toLowerCase();
    // A sentence begins with a capital letter; in a document that is shown as JSON quotes are as JSON has them.
    const forms = (field: string) => [planted(field), JSON.stringify(planted(field)).slice(1, -1)];
    t.deepEqual(
      free.filter((field) => !forms(field).some((form) => lower.includes(form.toLowerCase()))),
      [],
    );
    t.deepEqual(goneFields(), []);
    // Of the records of a vault that is not theirs there is nothing, under whatever address.
    for (const one of ofVault.filter(isOfRecord)) {
      await reader.go(one, ids);
      await nothing(reader.walk);
    }
    t.deepEqual(reader.walk.found, []);
    t.deepEqual(alerts, []);
    t.deepEqual(open().browser.complaints, []);
    await reader.page.context().close();
  });
}
