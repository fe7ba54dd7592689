import { existsSync, renameSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';
import Table from 'cli-table3';
import { monotonicNow } from '../src/clock.ts';
import { TestNode } from '../testing/test-node.ts';
import { createSoftHsmToken } from '../testing/tokens.ts';
import { cpuOf, proportionalOf } from './processes.ts';

/*
 * node bench/console-start.ts: what the console costs a node that starts, and its management process: BENCH_STARTS (5) starts each,
 * in turn, with the built files and without (they are moved aside meanwhile, so nothing else may be served from this checkout);
 * and once all files of the console have been asked for. The built console is to be there (node scripts/build-web.ts).
 */

const starts = Number(process.env['BENCH_STARTS'] ?? 5);
const built = path.resolve(import.meta.dirname, '../build/web');
const aside = `${built}-aside`;
if (!existsSync(built)) throw new Error(`${built} is not there`);

interface Start {
  /** Until both listeners take connections, milliseconds. */
  ready: number;
  /** Of the management process then, milliseconds of the processor and MiB. */
  cpu: number;
  memory: number;
  /** MiB, once the whole console was asked for. */
  loaded: number;
}

const fixture = await createSoftHsmToken();
const node = await TestNode.create({ tokens: [{ fixture }], admin: true, workers: 1, realTimes: true });
try {
  // The first start fills the caches for all.
  await started(false);
  const [withFiles, without]: [Start[], Start[]] = [[], []];
  for (let n = 0; n < starts; n++) {
    withFiles.push(await started(true));
    renameSync(built, aside);
    try {
      without.push(await started(false));
    } finally {
      renameSync(aside, built);
    }
  }
  const table = new Table({
    head: ['', 'ready, ms', 'management: processor, ms', 'memory (PSS), MiB', 'console loaded, MiB'],
    style: { head: [], border: [] },
  });
  table.push(row('built console', withFiles), row('none', without));
  console.log(table.toString());
} finally {
  await node.dispose();
  await fixture.dispose();
}

async function started(loads: boolean): Promise<Start> {
  const began = monotonicNow();
  await node.serve();
  const ready = monotonicNow() - began;
  const [management = 0] = node.processes().management;
  const [cpu, memory] = [cpuOf(management) * 1000, proportionalOf(management)];
  if (loads) await loadConsole();
  const loaded = proportionalOf(management);
  await node.stop();
  return { ready, cpu, memory, loaded };
}

/** The page and every file that it names, and what these name. */
async function loadConsole(): Promise<void> {
  const seen = new Set<string>();
  const names = [...(await get('/console/')).matchAll(/assets\/[\w.-]+/g)].map(([name]) => name);
  for (let name = names.pop(); name !== undefined; name = names.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const text = await get(`/console/${name}`);
    names.push(...[...text.matchAll(/[\w-]+-[\w-]{8}\.(?:js|css)/g)].map(([file]) => `assets/${file}`));
  }
}

async function get(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { port: node.admin.port, path: address, rejectUnauthorized: false, headers: { Host: 'localhost' } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (more: string) => (text += more));
        answer.once('end', () => resolve(text));
      },
    );
    sent.once('error', reject).end();
  });
}

function row(name: string, all: readonly Start[]): string[] {
  const of = (what: keyof Start) =>
    all
      .map((one) => one[what])
      .toSorted((a, b) => a - b)
      .map((value) => value.toFixed(0))[Math.floor(all.length / 2)] ?? '';
  return [name, of('ready'), of('cpu'), of('memory'), of('loaded')];
}
