import { readFileSync } from 'node:fs';

/*
 * How long event loops stand still. By the clock, which counts what others had the processor for as well; and how much of the
 * processor a thread has used from one turn of its timers to the next, which no neighbour makes more. Of a node's
 * processes they tell it themselves: code that Node loads ahead of ours (NODE_OPTIONS) says ten times a second what was the most
 * since. It comes as a data: URL, since a process that is confined may read no file of ours for it.
 */

/** Of one event loop, milliseconds. */
export interface Stall {
  clock: number;
  processor: number;
}

/** Looks every two milliseconds, which is what it may tell too much. */
const interval = 2;

/** Watches the event loop of this process until it is told to stop. */
export class StallWatch {
  readonly #max: Stall = { clock: 0, processor: 0 };
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let at = performance.now();
    let used = ownProcessor();
    this.#timer = setInterval(() => {
      const [now, usedNow] = [performance.now(), ownProcessor()];
      this.#max.clock = Math.max(this.#max.clock, now - at - interval);
      this.#max.processor = Math.max(this.#max.processor, usedNow - used);
      [at, used] = [now, usedNow];
    }, interval);
  }

  stop(): Stall {
    clearInterval(this.#timer);
    return this.#max;
  }
}

/** What this thread has used of the processor, milliseconds. */
function ownProcessor(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** How often a process tells, milliseconds: what is told was at the most so long ago. */
export const toldEvery = 100;

const told = 'holdfast-bench-stall';

/** A host of a token blocks by design, and is not looked at. What Node loads before our code is no turn of its loop. */
const probe = `import { isMainThread } from 'node:worker_threads';
import { writeSync } from 'node:fs';
const script = (process.argv[1] ?? '').split('/').at(-1) ?? '';
if (isMainThread && !/host-process|integrity/.test(script)) {
  const processor = () => { const { user, system } = process.threadCpuUsage(); return (user + system) / 1000; };
  let clock = 0, used = 0, at = performance.now(), before = processor();
  setInterval(() => {
    const now = performance.now(), usedNow = processor();
    clock = Math.max(clock, now - at - ${interval});
    used = Math.max(used, usedNow - before);
    at = now; before = usedNow;
  }, ${interval}).unref();
  setInterval(() => {
    try { writeSync(2, '${told} ' + script + ' ' + process.pid + ' ' + clock.toFixed(1) + ' ' + used.toFixed(1) + '\\n'); } catch {}
    clock = used = 0;
  }, ${toldEvery}).unref();
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

  /** The longest stall of each kind of process; and how many processes were killed or ended by themselves. */
  look(): { stalls: Map<string, Stall>; killed: number; gone: number } {
    const text = readFileSync(this.#file, 'utf8');
    const lines = text.slice(this.#read).split('\n');
    this.#read = text.length;
    const stalls = new Map<string, Stall>();
    for (const line of lines) {
      const [word, script = '', , clock, processor] = line.split(' ');
      if (word !== told) continue;
      const name = names[script] ?? script;
      const before = stalls.get(name) ?? { clock: 0, processor: 0 };
      stalls.set(name, {
        clock: Math.max(before.clock, Number(clock)),
        processor: Math.max(before.processor, Number(processor)),
      });
    }
    const count = (words: RegExp) => lines.filter((line) => words.test(line)).length;
    return { stalls, killed: count(/does not answer: killed/), gone: count(/ gone, starting another/) };
  }
}

const names: Readonly<Record<string, string>> = {
  'main.ts': 'supervisor',
  'xks-worker.ts': 'XKS worker',
  'management-worker.ts': 'management',
};
