import test from 'ava';

test('a pid that is not there signals neither our own process group nor every process', (t) => {
  // Signal 0 only asks: where this is not refused, nobody is hurt.
  for (const nobody of [0, -0, -1])
    t.throws(() => process.kill(nobody, 0), {
      instanceOf: RangeError,
      message: /^no test may signal process/,
    });
  t.throws(() => process.kill(Number.NaN, 0), { code: 'ERR_INVALID_ARG_TYPE' });
  t.true(process.kill(process.pid, 0));
});
