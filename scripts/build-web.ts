import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { build } from 'vite';
import config from '../web/vite.config.ts';
import { publishConsole } from './publish-web.ts';

/*
 * Builds the console (web/) into build/web, each file with itself compressed beside it, as the management listener serves it.
 * scripts/set-up runs it where what it is made of is another than that of what is there: its one argument is told by the
 * one who calls, and stands in build/web/inputs.
 */

const top = path.resolve(import.meta.dirname, '..');
const target = path.join(top, 'build/web');
mkdirSync(path.join(top, 'build'), { recursive: true });
const making = mkdtempSync(path.join(top, 'build/web-'));
// The service's own user reads it.
chmodSync(making, 0o755);

/** Below this the answer is one packet anyway. */
const compressedFrom = 600;

const compress = { '.br': promisify(brotliCompress), '.gz': promisify(gzip) } as const;
const options = {
  '.br': { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } },
  '.gz': { level: 9 },
} as const;

const inputs = process.argv[2] ?? 'by hand';
try {
  await build({ ...config, configFile: false, build: { ...config.build, outDir: making } });
  const names = await readdir(making, { recursive: true, withFileTypes: true });
  const files = names
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  await Promise.all(files.map(compressed));
  writeFileSync(path.join(making, 'inputs'), `${inputs}\n`);
  publishConsole(making, target);
} finally {
  // Also what a build that was killed has left behind.
  for (const name of readdirSync(path.dirname(target)))
    if (/^web-\w{6}(?:-old)?$/.test(name))
      rmSync(path.join(top, 'build', name), { recursive: true, force: true });
}

async function compressed(file: string): Promise<void> {
  const bytes = await readFile(file);
  // The page always is: one that is not would leave the compressed one of the build before.
  if (bytes.length < compressedFrom && !file.endsWith('.html')) return;
  const [br, gz] = await Promise.all([
    compress['.br'](bytes, options['.br']),
    compress['.gz'](bytes, options['.gz']),
  ]);
  await writeFile(`${file}.br`, br);
  await writeFile(`${file}.gz`, gz);
}
