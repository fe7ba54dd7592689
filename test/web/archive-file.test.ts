import { gzipSync } from 'node:zlib';
import test from 'ava';
import { ArchiveSums, lineOf, type ArchiveHeader } from '../../src/evidence/archive.ts';
import { eventLine, type AuditEvent } from '../../src/evidence/event.ts';
import { ArchiveFlaw, readArchive } from '../../web/audit/archive-file.ts';

/* Archives as the command line writes them, and what the console takes for one. */

const vault = { id: 'v-1', name: 'Zürich' };
const header: ArchiveHeader = {
  ...{ format: 'holdfast-audit-archive', version: 1, node: { id: 'n', version: '1' }, vault, from: null },
  ...{ before: '2025-01-01T00:00:00.000Z', madeAt: '2026-01-01T00:00:00.000Z', checkpoints: [] },
};

const event = (sequence: number): AuditEvent => ({
  ...{ sequence, at: `2024-05-05T00:00:0${sequence}.000Z`, beganAt: null, address: '192.0.2.1' },
  ...{ actor: { kind: 'user', id: 'u', name: 'Ädä' }, requestId: 'r', action: 'key-set.freeze' },
  ...{ outcome: 'done', target: { kind: 'key-set', id: 'k', name: 'k' }, before: null, after: { a: 1 } },
});

function archive(events: readonly AuditEvent[], head: ArchiveHeader = header) {
  const sums = new ArchiveSums();
  sums.addHeader(lineOf(head));
  const lines = events.map((one) => {
    sums.addEvent(one, eventLine(one));
    return eventLine(one);
  });
  const end = sums.trailer();
  return { lines: [lineOf(head), ...lines, lineOf(end)], sha256: end.eventsSha256 };
}

const { lines, sha256 } = archive([event(1), event(2)]);
const blob = (...parts: (string | Buffer)[]) =>
  new Blob(parts.map((part) => (typeof part === 'string' ? part : new Uint8Array(part))));

async function flawOf(file: Blob, most?: number): Promise<string | undefined> {
  try {
    await readArchive(file, most);
    return undefined;
  } catch (error) {
    return error instanceof ArchiveFlaw ? error.flaw : String(error);
  }
}

test('an archive says what the node is asked to prune by, compressed or not', async (t) => {
  const told = { vault, from: null, before: header.before, count: 2, sha256 };
  t.deepEqual(await readArchive(blob(...lines)), told);
  t.deepEqual(await readArchive(blob(gzipSync(lines.join('')))), told);
  const from = '2024-01-01T00:00:00.000Z';
  const ofAppliance = archive([event(1)], { ...header, vault: null, from });
  const read = await readArchive(blob(...ofAppliance.lines));
  t.deepEqual([read.vault, read.from, read.count], [null, from, 1]);
});

test('a file that is not whole, or not as it was written, is none to prune by', async (t) => {
  const [first = '', one = '', two = '', end = ''] = lines;
  const whole = gzipSync(lines.join(''));
  const changed = one.replace('freeze', 'thaw');
  const counted = end.replace('"count":2', '"count":3');
  const flaws = {
    none: [blob(), blob('\n'), blob('{"format":"x"}\n'), blob(one, two, end), blob(Buffer.from([0, 1, 10]))],
    end: [blob(first), blob(first, one, two), blob(...lines).slice(0, -1), blob(...lines, '\n')],
    changed: [
      blob(first, changed, two, end),
      blob(first, two, one, end),
      blob(first, one, end),
      blob(first.replace('Zürich', 'Bern'), one, two, end),
      blob(first, one, two, counted),
    ],
    packed: [blob(whole.subarray(0, -20)), blob(whole.subarray(0, 30))],
    newer: [blob(...archive([event(1)], { ...header, version: 2 }).lines)],
    empty: [blob(...archive([]).lines)],
  };
  for (const [flaw, files] of Object.entries(flaws))
    for (const [at, file] of files.entries()) t.is(await flawOf(file), flaw, `${flaw} ${at}`);
});

test('no more is held in memory than is said, however well it was compressed', async (t) => {
  const length = lines.join('').length + 10;
  const large = 'x'.repeat(1_000_000);
  t.is(await flawOf(blob(...lines), length), undefined);
  t.is(await flawOf(blob(large), length), 'large');
  t.is(await flawOf(blob(gzipSync(large)), length), 'large');
});
