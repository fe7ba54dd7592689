import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import anyTest, { type TestFn } from 'ava';
import fc from '../../testing/properties.ts';
import type { ArchiveHeader } from '../../src/evidence/archive.ts';
import { canonicalJson } from '../../src/evidence/canonical-json.ts';
import type { AuditEvent } from '../../src/evidence/event.ts';
import { ArchiveError, ArchiveFile, verifyArchive } from '../../src/cli/archive/audit-archive-file.ts';
import { CliError } from '../../src/cli/output/cli-error.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';

const test = anyTest as TestFn<{ directory: string; file: string }>;
test.beforeEach(async (t) => {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-archive-'));
  t.context = { directory, file: path.join(directory, 'audit.jsonl') };
});
test.afterEach.always(async (t) => rm(t.context.directory, { recursive: true, force: true }));

const header: ArchiveHeader = {
  format: 'holdfast-audit-archive',
  version: 1,
  node: { id: 'node', version: '1' },
  vault: { id: 'v', name: 'emea' },
  from: null,
  before: '2030-02-01T00:00:00.000Z',
  madeAt: '2031-01-01T00:00:00.000Z',
  checkpoints: [],
};

function event(sequence: number, at = '2030-01-01T00:00:00.000Z'): AuditEvent {
  return {
    ...{ sequence, at, beganAt: null, address: '192.0.2.1', requestId: 'r', action: 'cloud-key.disable' },
    ...{ actor: { kind: 'user', id: 'u', name: 'ada' }, outcome: 'done', before: null },
    ...{
      target: { kind: 'cloud-key', id: 'k', name: 'payroll — é' },
      after: { state: 'DISABLED', b: [1, 2.5] },
    },
  };
}

async function* pagesOf(...pages: AuditEvent[][]): AsyncGenerator<AuditEvent[]> {
  yield* pages;
}

async function write(file: string, gzip = false, head = header) {
  const reserved = await ArchiveFile.reserve(file);
  return reserved.write(
    head,
    pagesOf([event(1), event(4)], [], [event(3, '2030-01-02T00:00:00.000Z')]),
    gzip,
  );
}

test('JSON has one form, that of RFC 8785', (t) => {
  // RFC 8785, 3.2.2 and 3.2.3.
  const sample = `{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
    "string":"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}`;
  t.is(
    canonicalJson(JSON.parse(sample)),
    `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA'B\\"\\\\\\\\\\"/"}`,
  );
  const names = { '€': 1, '\r': 2, '\uFB33': 3, '1': 4, '\u{1F600}': 5, '\u0080': 6, ö: 7 };
  t.deepEqual(
    [...canonicalJson(names).matchAll(/:(\d)/g)].map(([, number]) => Number(number)),
    [2, 4, 6, 7, 1, 5, 3],
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      return (
        text === canonicalJson(JSON.parse(JSON.stringify(value))) && text === canonicalJson(JSON.parse(text))
      );
    }),
  );
});

for (const gzip of [false, true])
  test(`what was archived is found in the file, ${gzip ? 'compressed' : 'plain'}, for its owner alone`, async (t) => {
    const { file } = t.context;
    const written = await write(file, gzip);
    t.like(written, {
      ...{ count: 3, first: { sequence: 1, at: '2030-01-01T00:00:00.000Z' } },
      last: { sequence: 3, at: '2030-01-02T00:00:00.000Z' },
    });
    t.is((await stat(file)).mode & 0o777, 0o600);
    const bytes = await readFile(file);
    t.is(bytes.readUInt16BE() === 0x1f8b, gzip);
    const lines = (gzip ? gunzipSync(bytes) : bytes).toString().split('\n');
    t.deepEqual(
      lines.slice(1, 4).map((line) => JSON.parse(line) as unknown),
      [event(1), event(4), event(3, '2030-01-02T00:00:00.000Z')],
    );
    t.deepEqual(await verifyArchive(file), { header, trailer: written });
  });

test('there is never one in the place of another file, and none without events', async (t) => {
  const { file } = t.context;
  await writeFile(file, 'mine');
  const error = await t.throwsAsync(ArchiveFile.reserve(file), {
    instanceOf: CliError,
    message: /exists already/,
  });
  t.is(error.exitCode, 73);
  t.is(await readFile(file, 'utf8'), 'mine');
  await rm(file);
  const reserved = await ArchiveFile.reserve(file);
  t.is(await reserved.write(header, pagesOf([], []), false), undefined);
  await t.throwsAsync(stat(file), { code: 'ENOENT' });
});

test('an event out of its order, or a source that fails, leaves no file behind', async (t) => {
  const { file } = t.context;
  const first = await ArchiveFile.reserve(file);
  await t.throwsAsync(first.write(header, pagesOf([event(4)], [event(1)]), false), {
    message: /out of its order/,
  });
  await t.throwsAsync(stat(file), { code: 'ENOENT' });
  const second = await ArchiveFile.reserve(file);
  const failing = async function* (): AsyncGenerator<AuditEvent[]> {
    yield [event(1)];
    throw new CliError('unreachable', 'gone');
  };
  await t.throwsAsync(second.write(header, failing(), true), { instanceOf: CliError, message: 'gone' });
  await t.throwsAsync(stat(file), { code: 'ENOENT' });
});

test('a file with any byte altered, missing or too many is not taken for the archive', async (t) => {
  const { file } = t.context;
  await write(file);
  const good = await readFile(file);
  const refused = async (bytes: Buffer, what: string) => {
    await writeFile(file, bytes);
    const error = await t.throwsAsync(verifyArchive(file), { instanceOf: ArchiveError }, what);
    t.is(error?.exitCode, 65, what);
  };
  for (let at = 0; at < good.length; at += 3) {
    const altered = Buffer.from(good);
    altered[at] = (altered[at] ?? 0) ^ 1;
    await refused(altered, `byte ${at}`);
  }
  for (let length = 0; length < good.length; length += 41)
    await refused(good.subarray(0, length), `cut at ${length}`);
  await refused(good.subarray(0, -1), 'without the last line feed');
  await refused(Buffer.concat([good, good]), 'twice');
  await refused(Buffer.concat([good, Buffer.from('\n')]), 'with an empty line');
  const lines = good.toString().split('\n');
  await refused(
    Buffer.from([lines[0], lines[2], lines[1], lines[3], lines[4], ''].join('\n')),
    'in another order',
  );
  await refused(Buffer.from([lines[0], lines[1], lines[3], lines[4], ''].join('\n')), 'without an event');
  await writeFile(file, good);
  await t.notThrowsAsync(verifyArchive(file));
});

test('a compressed file that was altered is refused, or holds the same still', async (t) => {
  const { file } = t.context;
  const trailer = await write(file, true);
  const good = await readFile(file);
  let refused = 0;
  for (let at = 0; at < good.length; at++) {
    const altered = Buffer.from(good);
    altered[at] = (altered[at] ?? 0) ^ 1;
    await writeFile(file, altered);
    await verifyArchive(file).then(
      (archive) => t.deepEqual(archive, { header, trailer }, `byte ${at}`),
      (error: unknown) => {
        t.true(error instanceof ArchiveError, `byte ${at}: ${String(error)}`);
        refused++;
      },
    );
  }
  // Of the header of gzip time, system and flags say nothing of the content.
  t.true(refused >= good.length - 10, `${refused} of ${good.length}`);
  await writeFile(file, good.subarray(0, -9));
  await t.throwsAsync(verifyArchive(file), { instanceOf: ArchiveError });
});

test('what is no archive is told so: another file, a newer form, one line without end', async (t) => {
  const { file } = t.context;
  await writeFile(file, '{"hello":"world"}\n{"a":1}\n');
  await t.throwsAsync(verifyArchive(file), { instanceOf: ArchiveError, message: /is no archive/ });
  await writeFile(file, '[');
  await t.throwsAsync(verifyArchive(file), { instanceOf: ArchiveError, message: /is no archive/ });
  await writeFile(file, `${'['.repeat(100_000)}\n\n`);
  await t.throwsAsync(verifyArchive(file), { instanceOf: ArchiveError, message: /is no archive/ });
  await writeFile(file, Buffer.alloc(17 * 2 ** 20, 'x'));
  await t.throwsAsync(verifyArchive(file), { instanceOf: ArchiveError, message: /is no archive/ });
  await rm(file);
  await write(file, false, { ...header, version: 2 });
  await t.throwsAsync(verifyArchive(file), { instanceOf: ArchiveError, message: /form 2/ });
  await rm(file);
  await write(file, false, { ...header, before: '2030-01-02T00:00:00.000Z' });
  await t.throwsAsync(verifyArchive(file), {
    instanceOf: ArchiveError,
    message: /line 4 is no event of its range/,
  });
  const missing = await t.throwsAsync(verifyArchive(`${file}.not`), {
    instanceOf: CliError,
    message: /ENOENT/,
  });
  t.is(missing.exitCode, 66);
});

test('checkpoints of the trail have their place in it', async (t) => {
  const { file } = t.context;
  await write(file, false, { ...header, checkpoints: ['example.org/audit/1\n3\nroot\n\n— sig\n'] });
  t.is((await verifyArchive(file)).header.checkpoints.length, 1);
});
