import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { monotonicNow } from '../clock.ts';
import { installedAt } from '../confinable-path.ts';

/*
 * The console as set-up has built it (scripts/build-web.ts): one page, and the files that it loads, each beside itself
 * compressed. They are code that runs with the rights of whoever is signed in, so they are served only where nobody may
 * write them who may not write our code as well.
 */

export interface ConsoleFile {
  /** Absolute. */
  path: string;
  type: string;
  /** As which it is there too, the smallest first. */
  encodings: readonly Encoding[];
}

export interface ConsoleFiles {
  page: ConsoleFile;
  /** By their names, which change with what is in them. */
  assets: ReadonlyMap<string, ConsoleFile>;
}

export type Encoding = keyof typeof suffixes;

/** Content codings, and how the file is called that has one. */
export const suffixes = { br: '.br', gzip: '.gz' } as const;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

const consoleDirectory = path.join(installedAt, 'build', 'web');

/** For so long what was found is believed, milliseconds: set-up may build it anew under a node that serves (scripts/publish-web.ts). */
const believedFor = 2_000;

/** Where the console is looked for, and what is there. */
export class BuiltConsole {
  readonly #directory: string;
  #found: { at: number; files: Promise<ConsoleFiles | string> } | undefined;

  constructor(directory = consoleDirectory) {
    this.#directory = directory;
  }

  /** Answers why there is none, in words, where it is not built or others may write it. */
  async files(): Promise<ConsoleFiles | string> {
    const found = this.#found;
    return found === undefined || monotonicNow() - found.at > believedFor ? this.#look() : found.files;
  }

  /** As {@link files}, looked for anew where there is no file of that name: the page may be of a build that was just made. */
  async filesWith(asset: string): Promise<ConsoleFiles | string> {
    const before = this.#found;
    const files = await this.files();
    if (typeof files !== 'string' && files.assets.has(asset)) return files;
    // Whoever asks at the same time is answered by the same look.
    return this.#found === undefined || this.#found === before ? this.#look() : this.#found.files;
  }

  async #look(): Promise<ConsoleFiles | string> {
    // Before anything is waited for.
    this.#found = { at: monotonicNow(), files: find(this.#directory) };
    return this.#found.files;
  }
}

async function find(directory: string): Promise<ConsoleFiles | string> {
  const assetDirectory = path.join(directory, 'assets');
  try {
    for (const one of [path.dirname(directory), directory, assetDirectory])
      if (!(await isAsSafeAsOurCode(one)))
        return `${one} may be written by others than those who may write Holdfast itself`;
    const [names, assetNames] = await Promise.all([readdir(directory), readdir(assetDirectory)]);
    const page = fileOf(directory, 'index.html', names);
    if (page === undefined) return 'it is not built';
    const assets = assetNames.flatMap((name) => {
      const file = fileOf(assetDirectory, name, assetNames);
      return file === undefined ? [] : [[name, file] as const];
    });
    return { page, assets: new Map(assets) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A confined process is refused to look for what is not there.
    return code === 'ENOENT' || code === 'ERR_ACCESS_DENIED'
      ? 'it is not built'
      : `it cannot be read: ${code}`;
  }
}

function fileOf(directory: string, name: string, names: readonly string[]): ConsoleFile | undefined {
  const type = types[path.extname(name)];
  if (type === undefined || !names.includes(name)) return undefined;
  const encodings = (Object.keys(suffixes) as Encoding[]).filter((one) =>
    names.includes(name + suffixes[one]),
  );
  return { path: path.join(directory, name), type, encodings };
}

async function isAsSafeAsOurCode(directory: string): Promise<boolean> {
  const [{ uid: owner }, facts] = await Promise.all([
    stat(new URL('./console-files.ts', import.meta.url)),
    stat(directory),
  ]);
  return (facts.uid === 0 || facts.uid === owner) && (facts.mode & 0o022) === 0;
}
