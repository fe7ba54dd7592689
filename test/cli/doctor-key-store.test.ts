import test from 'ava';
import { findingsToKeep } from '../../src/cli/node/doctor-key-store.ts';
import { ok, problem, skipped, warning, type Finding } from '../../src/doctor/finding.ts';

const levelsOf = (findings: readonly Finding[]) => findingsToKeep(findings).kept.map(({ level }) => level);

test('nothing of the node that the doctor ran on is kept, and the worst is first', (t) => {
  const findings = [
    ok('name.resolves', '192.0.2.1'),
    problem('node.configuration', 'tokens[0].pin_file is readable by others', 'chmod 600 it'),
    skipped('tls.suites', 'nothing answered'),
    problem('name.public', '10.0.0.1', 'enter a public address'),
    warning('certificate.validity', 'in 9 days', 'renew it'),
  ];
  const { kept, leftOut } = findingsToKeep(findings);
  t.deepEqual(
    kept.map(({ id }) => id),
    ['name.public', 'certificate.validity', 'tls.suites', 'name.resolves'],
  );
  t.is(leftOut, 0);
});

test('of more than the API takes, what needs nobody is left out, and counted', (t) => {
  const keys = Array.from({ length: 120 }, (_, n) => ok('key.metadata', 'answered', { subject: `key-${n}` }));
  const bad = problem('key.encrypt', 'refused', 'enable it', { subject: 'key-0' });
  t.is(findingsToKeep([...keys, bad]).leftOut, 21);
  t.is(levelsOf([...keys, bad])[0], 'PROBLEM');

  // Three bytes each in UTF-8: a hundred of them are more than a body may have.
  const long = '☃'.repeat(1000);
  const wide = Array.from({ length: 99 }, (_, n) => ok('key.metadata', long, { subject: `key-${n}` }));
  const { kept, leftOut } = findingsToKeep([...wide, bad]);
  t.is(kept[0]?.level, 'PROBLEM');
  t.is(kept.length + leftOut, 100);
  t.true(Buffer.byteLength(JSON.stringify(kept)) < 64 * 1024, `${leftOut} left out`);
  t.true(leftOut > 0);
});

test('what somebody else’s certificate says is kept as the API takes it', (t) => {
  const seen = `CN=a\u202Eb\u0007\r\nc\u2028d ${'x'.repeat(1000)}`;
  const [one] = findingsToKeep([warning('certificate.chain', seen, 'none')]).kept;
  t.true(one?.seen.startsWith('CN=a b c d x'));
  t.is(one?.seen.length, 1000);
  // Cut in the middle of a character, it would be none.
  const [cut] = findingsToKeep([warning('certificate.chain', `${'x'.repeat(999)}😀`, 'none')]).kept;
  t.true(cut?.seen.isWellFormed());
});
