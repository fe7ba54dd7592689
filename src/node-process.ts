import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { hasWildcard, installedAt, wildcardProblem } from './confinable-path.ts';

/*
 * How every process of ours is started: `process.execPath` and `fork` are named nowhere else in src/ (oxlint holds it),
 * so that none goes without these flags. bin/holdfast, which starts the first of them, has the same.
 */

/**
 * SIGUSR1 would open Node's inspector on 127.0.0.1:9229, without a password: whoever on this machine connects to it reads
 * every secret of the process. With the flag the signal stays blocked.
 */
const noInspector = '--disable-sigusr1';

/**
 * Our code as set-up has stripped it of types: most of what a process takes to start, otherwise. (For --require Node would look
 * for a package.json from the working directory upwards, which may be anybody's, or not to be read.)
 */
const withoutTypes = new URL('./stripped-types.js', import.meta.url).href;

/**
 * MiB of a half of the space in which V8 makes objects. With its own default of 16 a node under load takes half as much memory again;
 * with 4 a request costs a tenth more (docs/performance.md).
 */
const smallYoungSpace = '--max-semi-space-size=8';

/** The same for processes that no request goes through: they keep as much of it as their start has once filled. */
const smallestYoungSpace = '--max-semi-space-size=1';

export const nodeFlags: readonly string[] = [noInspector, smallYoungSpace, '--import', withoutTypes];

/** Node's program. */
export const nodeProgram = process.execPath;

/** Program and arguments that run `script` in a Node of its own. */
export function nodeCommand(script: string, ...words: readonly string[]): [string, ...string[]] {
  return [nodeProgram, ...nodeFlags, script, ...words];
}

/** What a confined process may do with files, by absolute path. A directory stands for all that is in it. */
export interface Confinement {
  read: readonly string[];
  write: readonly string[];
}

const ownCode = ['package.json', 'src', 'build', 'node_modules'].map((name) => path.join(installedAt, name));

/** Standard output and standard error, as src/output-sink.ts opens them. */
const ownOutputs = ['/proc/self/fd/1', '/proc/self/fd/2'];

/**
 * As {@link nodeCommand}, for what faces the network: JavaScript reads our code and what `may` names, and writes what `may`
 * names; it starts no process, thread, WASI module or inspector. Node's permission model holds that, in the process itself.
 * It does not hold native code: addons are let in for SQLite's sake, which the worker loads first, and then no other
 * (src/store/sqlite/only-addon.ts).
 */
export function confinedNodeCommand(
  script: string,
  may: Confinement,
  { answersAws = true }: { answersAws?: boolean } = {},
): [string, ...string[]] {
  const wild = [...ownCode, ...may.read, ...may.write].find(hasWildcard);
  // Told in words long before (loadConfig, problemsOfConfinement).
  if (wild !== undefined) throw new Error(`${wild} ${wildcardProblem}`);
  const write = [...may.write, ...ownOutputs];
  return [
    nodeProgram,
    ...nodeFlags,
    // The last that is said of it holds.
    ...(answersAws ? [] : [smallestYoungSpace]),
    '--permission',
    '--allow-addons',
    // Node warns of that flag at each start.
    '--disable-warning=SecurityWarning',
    ...[...ownCode, ...may.read, ...write].map((file) => `--allow-fs-read=${file}`),
    ...write.map((file) => `--allow-fs-write=${file}`),
    script,
  ];
}

/**
 * Whether another process of the same user can read the memory and the environment of this one, and with them a PIN. The
 * kernel gives them to root alone (and makes no core dump) where the user may run Node's program but not read it, as
 * scripts/set-up run by root and the image leave it: then what is in /proc/self belongs to root.
 */
export function isMemoryOpen(): boolean {
  const user = process.getuid?.();
  return user !== 0 && statSync('/proc/self/mem', { throwIfNoEntry: false })?.uid === user;
}

const setpriv = '/usr/bin/setpriv';

/** Whether {@link boundCommand} can keep its promise on this machine. */
export const canBind = existsSync(setpriv);

/**
 * The same command for a process that must not outlive the one that starts it: the kernel kills it together with its parent
 * (prctl(2), PR_SET_PDEATHSIG). One that hangs would not notice that nobody is left, and would keep its port or its
 * sessions. Where Linux's setpriv is missing, only those end that notice.
 */
export function boundCommand(command: [string, ...string[]]): [string, ...string[]] {
  return canBind ? [setpriv, '--pdeathsig', 'KILL', ...command] : command;
}
