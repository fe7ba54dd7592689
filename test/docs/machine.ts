import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Block } from '../../scripts/docs/blocks.ts';
import { memoryDirectory } from '../../testing/memory-directory.ts';
import { bash, type Typed } from './bash.ts';
import { checkout, quoted } from './typing.ts';

/*
 * A machine of its own, on which pages are typed as they stand: with their paths, users, ports and names. It is this one, in
 * namespaces of its own, and forgets at its end whatever was changed. See machine/enter for what it has not.
 */

const namespaces = [
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--net',
  '--propagation',
  'private',
];

/** Undefined where there can be one. */
export function whyNoMachine(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root installs for all users';
  const overlay =
    'mount -t tmpfs tmpfs /run && mkdir /run/u /run/w && mount -t overlay -o lowerdir=/etc,upperdir=/run/u,workdir=/run/w overlay /etc';
  try {
    execFileSync('unshare', [...namespaces, 'sh', '-c', overlay], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `this machine does not let us make namespaces with file systems: ${(error as Error).message}`;
  }
}

export class Machine {
  /** The home of whoever types, with what they have brought: `ca.pem`, which the machine trusts, is one of them. */
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async create(): Promise<Machine> {
    return new Machine(await mkdtemp(path.join(memoryDirectory(), 'holdfast-machine-')));
  }

  /** As root; the machine ends with the script. */
  async type(script: string): Promise<Typed> {
    const file = path.join(this.directory, 'script');
    await writeFile(file, `set -euo pipefail\n${script}\n`);
    const enter = path.join(import.meta.dirname, 'machine/enter');
    const words = ['unshare', ...namespaces, enter, this.directory, checkout, file];
    return bash(`exec setpriv --pdeathsig KILL ${words.map(quoted).join(' ')}`, {
      cwd: this.directory,
      env: { PATH: process.env['PATH'], HOME: this.directory, LANG: 'C.UTF-8' },
    });
  }

  async dispose(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The block, typed on a terminal, where each prompt (a regular expression) is answered by a word of shell. */
export function onTerminal({ text }: Pick<Block, 'text'>, answers: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(answers).map(([prompt, answer]) => `${quoted(prompt)} ${answer}`);
  return ['on-terminal', quoted(text), ...pairs].join(' ');
}
