import { randomBytes } from 'node:crypto';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createSoftHsmToken, type TokenFixture } from './tokens.ts';

/** Another SoftHSM token of the same keys, label and PIN, with a serial number of its own: as a cloned partition is. */
export async function cloneSoftHsmToken(original: TokenFixture, serial: string): Promise<TokenFixture> {
  const clone = await createSoftHsmToken({ label: original.label, pin: original.pin });
  const [from, to] = [tokensOf(original), tokensOf(clone)];
  await rm(to, { recursive: true });
  await cp(from, to, { recursive: true });
  for (const name of await readdir(to)) {
    const file = path.join(to, name, 'token.object');
    const bytes = await readFile(file);
    const at = bytes.indexOf(serial);
    if (at < 0) throw new Error(`${file} does not have the serial number ${serial}`);
    bytes.write(randomBytes(8).toString('hex'), at);
    await writeFile(file, bytes);
  }
  return clone;
}

function tokensOf({ environment }: TokenFixture): string {
  return path.join(path.dirname(environment['SOFTHSM2_CONF'] ?? ''), 'tokens');
}
