import test from 'ava';
import { axeViolations, picture } from '../../testing/browser.ts';
import { typeAndEnter, type ConsoleStage } from './stage.ts';

/** A page as it stands before nobody, on a wall; and a list that is too long to be asked for again as a whole all the time. */
export function testUnwatched(open: () => ConsoleStage): void {
  test.serial(
    'a page that nobody watches says from when it is, and is covered once its session is over',
    async (t) => {
      const { ada, home, browser } = open();
      const wall = await ada.newPage();
      await wall.clock.install();
      await wall.goto(home);
      const heading = wall.getByRole('heading', { level: 1, name: 'Overview' });
      await heading.waitFor();
      await wall.clock.fastForward('05:01');
      const strip = wall.getByRole('status', { name: 'Nobody seems to be here.' });
      await strip.getByText('Nothing here has been asked for again since').waitFor();
      await picture(wall, 'a page that nobody watches');
      t.deepEqual(await axeViolations(wall), []);

      // To ask whether the session has ended would make it longer.
      const asked: string[] = [];
      wall.on('request', (request) => asked.push(new URL(request.url()).pathname));
      await wall.clock.fastForward('15:01');
      const ended = wall.getByRole('dialog', { name: 'Your session has ended' });
      await ended.waitFor();
      t.is(await heading.count(), 0);
      t.deepEqual(
        asked.filter((path) => !path.endsWith('/sign-in-options')),
        [],
      );

      // It was kept by another tab: whoever comes back goes on.
      await wall.mouse.move(200, 200);
      await ended.waitFor({ state: 'detached' });
      await heading.waitFor();
      await strip.waitFor({ state: 'detached' });
      await wall.close();
      t.deepEqual(browser.complaints, []);
    },
  );

  test.serial(
    'what is in view of a long list is shown as it is now, and the rest is not asked for',
    async (t) => {
      const stage = open();
      const { ada, home, vaultId, browser } = stage;
      const api = await stage.adasClient();
      const { body } = await api.get(`/vaults/${vaultId}/cloud-keys`);
      const [known] = (body as { items: object[] }).items;
      const view = await ada.newPage();
      await view.clock.install();
      let state = 'AVAILABLE';
      let asked: string[] = [];
      await view.route(/\/cloud-keys\?/, async (route) => {
        const cursor = new URL(route.request().url()).searchParams.get('cursor') ?? '0';
        asked.push(cursor);
        const items = Array.from({ length: 200 }, (_, n) => {
          const name = `key-${cursor}-${n}`;
          return { ...known, id: name, name, state, effectiveState: state };
        });
        await route.fulfill({ json: { items, next: cursor === '3' ? null : String(Number(cursor) + 1) } });
      });
      await view.goto(`${home}/cloud-keys`);
      await typeAndEnter(view.locator('main').getByRole('combobox', { name: 'Find' }), 'key-2-19');
      await view.getByText('11 matches').first().waitFor();
      await view.getByText('(11/800)').first().waitFor();
      const row = view.getByRole('row').filter({ hasText: 'key-2-199' });
      await row.getByText('Available').first().waitFor();
      [asked, state] = [[], 'DISABLED'];
      await view.clock.fastForward(5_000);
      await row.getByText('Disabled').first().waitFor();
      t.deepEqual([...new Set(asked)], ['2']);
      await view.close();
      t.deepEqual(browser.complaints, []);
    },
  );
}
