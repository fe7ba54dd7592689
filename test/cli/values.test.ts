import test from 'ava';
import { InvalidArgumentError } from 'commander';
import { parseExpiry, parseMinutesOrNever, parseMoment, parsePast } from '../../src/cli/output/values.ts';
import { CommandServer } from './command-line.ts';

const minutesFromNow = (text: string) => Math.round((Date.parse(text) - Date.now()) / 60_000);

test('m is refused, since it is minutes to some and months to others, with both named', (t) => {
  for (const parse of [parseMoment, parsePast, parseExpiry, parseMinutesOrNever])
    for (const text of ['12m', '12M', '0m'])
      t.throws(() => parse(text), {
        instanceOf: InvalidArgumentError,
        message: /\d+min for minutes, .*\d+mo for months/,
      });
});

test('minutes, hours, days, weeks and months of the calendar are durations', (t) => {
  t.is(minutesFromNow(parseMoment('12min')), 12);
  t.is(minutesFromNow(parseMoment('12h')), 720);
  t.is(minutesFromNow(parseMoment('90d')), 90 * 1440);
  t.is(minutesFromNow(parseMoment('2w')), 14 * 1440);
  t.is(minutesFromNow(parsePast('2d')), -2 * 1440);
  const year = new Date(parseMoment('12mo'));
  const now = new Date();
  t.is(year.getUTCFullYear(), now.getUTCFullYear() + 1);
  t.is(year.getUTCMonth(), now.getUTCMonth());
  t.deepEqual(parseMinutesOrNever('90min'), { to: 90 });
  for (const text of ['12y', '12', 'min', '1mi', '12mo ', '-1d', '1.5h'])
    t.throws(() => parseMoment(text), { instanceOf: InvalidArgumentError }, text);
});

test('no number of months lands in a month beyond', (t) => {
  for (let count = 0; count <= 60; count++) {
    const now = new Date();
    const moment = new Date(parseMoment(`${count}mo`));
    const expected = (now.getUTCFullYear() * 12 + now.getUTCMonth() + count) % 12;
    t.is(moment.getUTCMonth(), expected, String(count));
  }
});

test('what a duration comes to is said before anything is asked of the node', async (t) => {
  const commands = new CommandServer();
  t.teardown(() => commands.close());
  const { stderr } = await commands.run(['cloud-key', 'edit', 'payroll', '--expires', '12mo'], {
    env: { XDG_CONFIG_HOME: '/nonexistent' },
  });
  const [first, second] = stderr.split('\n');
  t.regex(
    first ?? '',
    /^holdfast: expires on \d{4}-\d{2}-\d{2} \d{2}:\d{2}(:\d{2})? UTC \(in 36[56] days\)$/,
  );
  t.regex(second ?? '', /not signed in/);
});
