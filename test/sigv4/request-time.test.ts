import test from 'ava';
import { assertFresh, parseRequestTime } from '../../src/sigv4/request-time.ts';
import { assertRefused, check, now, sample, signSample, withHeader } from './sample.ts';

const second = 1000;

for (const offset of [0, 1, -1, 299, -299, 300, -300])
  test(`a request is accepted when it arrives ${offset} s after its x-amz-date`, async (t) => {
    await t.notThrowsAsync(check(signSample(), sample.body, new Date(now.getTime() + offset * second)));
  });

for (const offset of [300.001, -300.001, 301, -301, 86_400, -86_400, 31_536_000])
  test(`a request is refused when it arrives ${offset} s after its x-amz-date`, async (t) => {
    const request = signSample();
    const at = new Date(now.getTime() + offset * second);
    await assertRefused(t, () => check(request, sample.body, at), request, 'clock-skew');
  });

test('the refusal for clock skew says which clock is behind', (t) => {
  t.throws(() => assertFresh(now, new Date(now.getTime() + 301 * second)), {
    message: /300 s before this machine/,
  });
  t.throws(() => assertFresh(now, new Date(now.getTime() - 301 * second)), {
    message: /300 s after this machine/,
  });
});

test('a request signed just before midnight is accepted just after it', async (t) => {
  const timestamp = '20260131T235959Z';
  const headers = sample.headers.map(
    ([name, value]) => [name, name === 'X-Amz-Date' ? timestamp : value] as const,
  );
  await t.notThrowsAsync(
    check(signSample({ timestamp, headers }), sample.body, new Date('2026-02-01T00:01:00Z')),
  );
});

test('x-amz-date is read as UTC', (t) => {
  t.deepEqual(parseRequestTime('20240229T235958Z'), new Date(Date.UTC(2024, 1, 29, 23, 59, 58)));
});

const malformed = {
  'an impossible day': '20260230T120000Z',
  '29 February in a common year': '20260229T120000Z',
  'day 0': '20260100T120000Z',
  'month 13': '20261301T120000Z',
  'month 0': '20260001T120000Z',
  'hour 24': '20260131T240000Z',
  'hour 25': '20260131T250000Z',
  'minute 60': '20260131T126000Z',
  'a leap second': '20260131T235960Z',
  'no Z': '20260131T120000',
  'a lower-case z': '20260131T120000z',
  'a lower-case t': '20260131t120000Z',
  'an offset': '20260131T120000+0000',
  'a fraction': '20260131T120000.5Z',
  'the extended form': '2026-01-31T12:00:00Z',
  'the extended form with milliseconds': '2026-01-31T12:00:00.000Z',
  'an HTTP date': 'Sat, 31 Jan 2026 12:00:00 GMT',
  'seconds since 1970': '1769860800',
  'only a day': '20260131',
  'a space inside': '20260131 120000Z',
  'digits that are not ASCII': '\u0662\u0660260131T120000Z',
  'two times': '20260131T120000Z,20260131T120000Z',
  'a line break after it': '20260131T120000Z\n',
  nothing: '',
};

for (const [name, text] of Object.entries(malformed)) {
  test(`a signed x-amz-date with ${name} is refused as malformed`, async (t) => {
    await assertRefused(t, () => void parseRequestTime(text), signSample(), 'malformed-date');
    const request = withHeader(signSample(), 'x-amz-date', () => text);
    await assertRefused(t, () => check(request), request, 'malformed-date');
  });
}
