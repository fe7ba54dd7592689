import test from 'ava';
import { endOf } from '../../web/session/session-end.ts';

const minute = 60_000;
const session = {
  lastSeenAt: '2027-01-01T08:00:00.000Z',
  expiresAt: '2027-01-01T20:00:00.000Z',
  idleMinutes: 15,
};

test('a session ends when nobody has been there for long enough, and at the latest when it would anyway', (t) => {
  // By a browser whose clock is years behind.
  const told = Date.parse('2020-05-05T12:00:00.000Z');
  const latest = told + 12 * 60 * minute;
  t.is(endOf(session, told, undefined), latest);
  t.is(endOf(session, told, told + 30 * minute), told + 45 * minute);
  t.is(endOf(session, told, latest - 5 * minute), latest);
});
