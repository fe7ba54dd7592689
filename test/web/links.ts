import test from 'ava';
import type { Page } from 'playwright-core';
import { dialogOf, type ConsoleStage } from './stage.ts';

/** Of a list, in pixels: what of its columns a window of 1280 does not show before it is scrolled. */
async function hidden(page: Page): Promise<number> {
  return Number(
    await page.evaluate(`(() => {
      const table = document.querySelector('main table');
      let around = table.parentElement;
      while (getComputedStyle(around).overflowX === 'visible') around = around.parentElement;
      return Math.max(0, table.scrollWidth - around.clientWidth);
    })()`),
  );
}

/** How somebody comes from one thing to the next that it has to do with, without knowing its name. */
export function testLinks(open: () => ConsoleStage): void {
  test.serial('each page leads on to what it is about: from a KMS key to what was refused', async (t) => {
    const { page, browser } = open();
    const main = page.locator('main');
    const follow = async (link: string, heading: string) => {
      await main.getByRole('link', { name: link, exact: true }).first().click();
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    };
    await page.getByRole('link', { name: 'KMS keys', exact: true }).click();
    await follow('alias/picture-key', 'alias/picture-key');
    // What cannot be undone says what it costs, and is not done by one press too many.
    await page.getByRole('button', { name: 'Actions', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Schedule deletion in AWS' }).click();
    const dialog = dialogOf(page);
    await dialog.getByText('can then never be decrypted').waitFor();
    const submit = { name: 'Schedule deletion in AWS' } as const;
    t.true(await dialog.getByRole('button', submit).isDisabled());
    await dialog.getByLabel('To confirm, type alias/picture-key').fill('alias/picture-key');
    await dialog.getByRole('button', { ...submit, disabled: false }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await follow('Show the external key store', 'pictures');
    await follow('Those of the key set', 'CloudKeys');
    await main.locator('th[aria-sort=ascending]', { hasText: 'Name' }).first().waitFor();
    await main.getByRole('link', { name: 'picture-key', exact: true }).waitFor();
    t.is(await hidden(page), 0);
    await follow('picture-key', 'picture-key');
    await follow('In the audit log', 'Audit log');
    await page
      .getByRole('button', { name: /^Show: cloud-key\.disable/ })
      .first()
      .click();
    await dialog.getByRole('link', { name: 'picture-key' }).click();
    await page.getByRole('heading', { level: 1, name: 'picture-key' }).waitFor();
    await follow('Refused or failed', 'Requests');
    await page
      .getByRole('button', { name: /^Details: / })
      .first()
      .click();
    t.is(await hidden(page), 0);
    await dialog.getByRole('link', { name: 'pictures' }).click();
    await page.getByRole('heading', { level: 1, name: 'pictures' }).waitFor();
    await page.goto(`${open().home}/key-sets`);
    await main.getByRole('link', { name: '1 Key stores: pictures' }).waitFor();
    await main.getByRole('link', { name: /^[1-9]\d* Live credentials: pictures$/ }).waitFor();
    t.is(await hidden(page), 0);
    await follow('pictures', 'pictures');
    await follow('aws-pictures', 'aws-pictures');
    await follow('pictures', 'pictures');
    await page.getByRole('button', { name: 'Copy: Id in Holdfast' }).waitFor();
    await follow('Its external key stores', 'External key stores');
    t.deepEqual(browser.complaints, []);
  });
}
