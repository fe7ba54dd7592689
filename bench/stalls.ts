import { readFileSync } from 'node:fs';

/*
 * How long the event loops of a node's processes stand still, as those say who stand in them: code that Node loads ahead of
 * ours (NODE_OPTIONS) tells each second the longest delay of the last. It comes as a data: URL, since a process that is
 * confined may read no file of ours for it.
 */

const told = 'holdfast-bench-stall';

/** A host of a token blocks by design, and is not looked at. */
const probe = `import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { writeSync } from 'node:fs';
const script = (process.argv[1] ?? '').split('/').at(-1) ?? '';
if (isMainThread && !/host-process|integrity/.test(script)) {
  const delays = monitorEventLoopDelay({ resolution: 5 });
  delays.enable();
  setInterval(() => {
    try { writeSync(2, '${told} ' + script + ' ' + process.pid + ' ' + Math.round(delays.max / 1e6) + '\\n'); } catch {}
    delays.reset();
  }, 1000).unref();
}`;

/** To be in the environment of the node. */
export const stallProbe = `--import=data:text/javascript,${encodeURIComponent(probe)}`;

/** What a node has written to its log since the last look. */
export class NodeLog {
  readonly #file: string;
  #read = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** The longest stall of each kind of process, milliseconds; and how many processes were killed or ended by themselves. */
  look(): { stalls: Map<string, number>; killed: number; gone: number } {
    const text = readFileSync(this.#file, 'utf8');
    const lines = text.slice(this.#read).split('\n');
    this.#read = text.length;
    const stalls = new Map<string, number>();
    for (const line of lines) {
      const [word, script = '', , milliseconds] = line.split(' ');
      if (word !== told) continue;
      const name = names[script] ?? script;
      stalls.set(name, Math.max(stalls.get(name) ?? 0, Number(milliseconds)));
    }
    const count = (words: RegExp) => lines.filter((line) => words.test(line)).length;
    return { stalls, killed: count(/does not answer: killed/), gone: count(/ gone, starting another/) };
  }
}

const names: Readonly<Record<string, string>> = {
  'main.ts': 'supervisor',
  'xks-worker.ts': 'XKS worker',
  'admin-worker.ts': 'management',
};
