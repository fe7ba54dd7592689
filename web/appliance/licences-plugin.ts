import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'vite';
import type { Licence } from './licences.ts';

const top = path.join(import.meta.dirname, '../..');

/** Of package-lock.json, by their place beneath the top. */
interface Locked {
  version?: string;
  license?: string;
  dev?: boolean;
  dependencies?: Readonly<Record<string, string>>;
}
type Lock = Readonly<Record<string, Locked>>;

/** Puts what the lock file has of each package in the place of the empty list of licences.ts. */
export function licencesList(): Plugin {
  return {
    name: 'holdfast-licences',
    load: (id) =>
      id.endsWith('/appliance/licences.ts')
        ? `export const licences = ${JSON.stringify(licencesOf())};`
        : undefined,
  };
}

function licencesOf(): Licence[] {
  const { packages } = JSON.parse(readFileSync(path.join(top, 'package-lock.json'), 'utf8')) as {
    packages: Lock;
  };
  const ofNode = new Set(Object.keys(packages).filter((at) => at !== '' && packages[at]?.dev !== true));
  const ofConsole = neededBy(packages, importedNames());
  const all = [...ofNode.union(ofConsole)].map((at): Licence => {
    const { version = '', license = '' } = packages[at] ?? {};
    const usedBy = !ofConsole.has(at) ? 'node' : ofNode.has(at) ? 'both' : 'console';
    return { name: nameAt(at), version, licence: license, usedBy };
  });
  const unknown = all.filter(({ licence }) => licence === '').map(({ name }) => name);
  if (unknown.length > 0) throw new Error(`the lock file has no licence of ${unknown.join(', ')}`);
  const once = new Map(all.map((one) => [`${one.name} ${one.version}`, one]));
  return [...once.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

function nameAt(at: string): string {
  return at.slice(at.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** Names of the packages that the console's sources import. */
function importedNames(): ReadonlySet<string> {
  const files = readdirSync(path.join(top, 'web'), { recursive: true, encoding: 'utf8' });
  const sources = files
    .filter((file) => /\.tsx?$/.test(file) && !/(?:-plugin|vite\.config)\.ts$/.test(file))
    .map((file) => readFileSync(path.join(top, 'web', file), 'utf8'));
  const imported = sources.flatMap((source) => [
    ...source.matchAll(/^(?:import|\} from)[^'\n]*'((?:@[^/'\n]+\/)?[^./'\n][^/'\n]*)/gm),
  ]);
  return new Set(imported.map(([, name = '']) => name).filter((name) => !name.startsWith('node:')));
}

/** The places of the packages of these names, and of all that they depend on. */
function neededBy(packages: Lock, names: ReadonlySet<string>): Set<string> {
  const needed = new Set<string>();
  const take = (from: string, name: string) => {
    const at = placeOf(packages, from, name);
    if (at === undefined || needed.has(at)) return;
    needed.add(at);
    for (const one of Object.keys(packages[at]?.dependencies ?? {})) take(at, one);
  };
  for (const name of names) take('', name);
  return needed;
}

/** As Node finds it: beside whoever asks, else further up. */
function placeOf(packages: Lock, from: string, name: string): string | undefined {
  const at = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (at in packages) return at;
  if (from === '') return undefined;
  const up = from.lastIndexOf('/node_modules/');
  return placeOf(packages, up < 0 ? '' : from.slice(0, up), name);
}
