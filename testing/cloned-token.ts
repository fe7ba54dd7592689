import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createSoftHsmToken, type TokenFixture } from './tokens.ts';

/** Another SoftHSM token of the same keys, label and PIN, with a serial number of its own: as a cloned partition is. */
export async function cloneSoftHsmToken(original: TokenFixture, serial: string): Promise<TokenFixture> {
  const clone = await createSoftHsmToken({ label: original.label, pin: original.pin });
  const [from, to] = [tokensOf(original), tokensOf(clone)];
  await rm(to, { recursive: true });
  for (const name of await readdir(from)) {
    await copyFiles(path.join(from, name), path.join(to, name));
    const file = path.join(to, name, 'token.object');
    const bytes = await readFile(file);
    const at = bytes.indexOf(serial);
    if (at < 0) throw new Error(`${file} does not have the serial number ${serial}`);
    bytes.write(randomBytes(8).toString('hex'), at);
    await writeFile(file, bytes);
  }
  return clone;
}

/** Without those that go meanwhile: tests beside this one make and destroy key objects in the original. */
async function copyFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from))
    await copyFile(path.join(from, name), path.join(to, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
}

/** Where a SoftHSM token has its files. */
export function tokensOf({ environment }: Pick<TokenFixture, 'environment'>): string {
  return path.join(path.dirname(environment['SOFTHSM2_CONF'] ?? ''), 'tokens');
}
