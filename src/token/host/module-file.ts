import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { StartError } from './cryptoki-error.ts';
import { systemReason } from '../../system-reason.ts';

/** ELF e_machine of the architectures that Node itself is made for, by `process.arch` (System V ABI, ELF header). */
const machines: Readonly<Record<string, number>> = {
  x64: 62,
  arm64: 183,
  arm: 40,
  ia32: 3,
  ppc64: 21,
  s390x: 22,
};
const architectures = new Map(Object.entries(machines).map(([name, machine]) => [machine, name]));
const sharedObject = 3;

/** The module that is meant: the one that is set, else the first of the profile's that is there. Throws StartError. */
export function modulePath({
  module,
  profile,
}: {
  module?: string | undefined;
  profile: { modules: string[] };
}): string {
  const candidates = module === undefined ? profile.modules : [module];
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new StartError(
    'no PKCS#11 module found',
    `looked at ${candidates.join(', ')}: install the HSM’s client software, or say where its library is`,
  );
}

/** What keeps a file from being loaded as a module by this process, as far as its head tells without running it. */
export function problemOfModule(file: string): string | undefined {
  let head: Buffer;
  try {
    head = headOf(file);
  } catch (error) {
    return systemReason(error).words;
  }
  if (process.platform !== 'linux') return undefined;
  if (head.subarray(0, 4).toString('latin1') !== '\u{7f}ELF') return 'it is no shared library (no ELF file)';
  const bits = head[4] === 1 ? 32 : 64;
  const littleEndian = head[5] !== 2;
  const u16 = (at: number) => (littleEndian ? head.readUInt16LE(at) : head.readUInt16BE(at));
  const machine = u16(18);
  const ownBits = ['arm', 'ia32'].includes(process.arch) ? 32 : 64;
  if (bits !== ownBits || (machines[process.arch] ?? machine) !== machine)
    return `it is a ${bits}-bit library for ${architectures.get(machine) ?? `machine ${machine}`}, and this node runs on ${ownBits}-bit ${process.arch}`;
  return u16(16) === sharedObject ? undefined : 'it is an ELF file, but no shared library';
}

/** Why the loader did not take it: what its head tells, else the loader's own words, as of a library that is missing. */
export function notLoaded(file: string, loaderError: unknown): StartError {
  const said = loaderError instanceof Error ? loaderError.message.replace(`${file}: `, '') : '';
  return new StartError(
    `${file} cannot be loaded: ${problemOfModule(file) ?? (said === '' ? 'the loader does not say why' : said)}`,
    'give the module of the HSM’s client software for this machine; ldd shows which of its libraries are missing',
  );
}

function headOf(file: string): Buffer {
  const head = Buffer.alloc(20);
  const fd = openSync(file, 'r');
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  return head;
}
