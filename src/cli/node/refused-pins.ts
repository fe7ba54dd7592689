import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LoadedConfig, LoadedMember } from '../../config/load.ts';
import type { Secret } from '../../secret.ts';
import type { KnownPins } from '../../token/keeper/host-life.ts';

/*
 * Remembers over restarts that a token has refused a PIN: a service manager that starts a failing node again and again
 * would try the same wrong PIN until the token locks itself. Kept is a salted scrypt hash of the refused PIN; another
 * PIN is tried at once.
 */

/** The token refused this very PIN before. */
export class PinRefusedBeforeError extends Error {
  readonly token: string;
  /** The message without the token. */
  readonly problem = 'this PIN was refused before; it is not tried again, since tokens lock themselves';
  readonly remediation: string;

  constructor(token: string, file: string) {
    super(`token ${token} has refused this PIN before; it is not tried again, since tokens lock themselves`);
    this.name = 'PinRefusedBeforeError';
    this.token = token;
    this.remediation = `put the right PIN in place, or remove ${file} to have this one tried once more`;
  }
}

/** Throws PinRefusedBeforeError where the token is known to refuse this PIN. */
export async function assertNotRefused(
  config: LoadedConfig,
  { title }: Pick<LoadedMember, 'title'>,
  pin: Secret | undefined,
): Promise<void> {
  const file = markerOf(config, title);
  if (pin === undefined || !existsSync(file)) return;
  const marker = parseMarker(readFileSync(file, 'utf8'));
  // Of a disk that was full, or a machine that lost power: which PIN it was of is not known.
  if (marker === undefined) return;
  const known = Buffer.from(marker.hash, 'base64');
  const hash = await hashOf(pin, Buffer.from(marker.salt, 'base64'));
  if (hash.length === known.length && timingSafeEqual(hash, known))
    throw new PinRefusedBeforeError(title, file);
}

async function rememberRefusal(config: LoadedConfig, token: string, pin: Secret): Promise<void> {
  const salt = randomBytes(16);
  const hash = await hashOf(pin, salt);
  keepMark(config, markerOf(config, token), {
    salt: salt.toString('base64'),
    hash: hash.toString('base64'),
  });
}

/** Whole or not at all. */
function keepMark(config: LoadedConfig, file: string, mark: { salt: string; hash: string }): void {
  mkdirSync(config.node.state_directory, { recursive: true, mode: 0o700 });
  // Of a name that nobody can have put a link under, as root writes it in the service's directory.
  const aside = `${file}.${randomBytes(8).toString('hex')}.new`;
  try {
    writeFileSync(aside, `${JSON.stringify(mark)}\n`, { mode: 0o600, flush: true, flag: 'wx' });
    renameSync(aside, file);
  } finally {
    rmSync(aside, { force: true });
  }
}

function parseMarker(text: string): { salt: string; hash: string } | undefined {
  try {
    const { salt, hash } = JSON.parse(text) as { salt?: unknown; hash?: unknown };
    return typeof salt === 'string' && typeof hash === 'string' ? { salt, hash } : undefined;
  } catch {
    return undefined;
  }
}

/** Of a mark that cannot be removed nobody is kept from serving: it holds for the PIN that it is of. */
function forgetRefusal(config: LoadedConfig, token: string): void {
  try {
    rmSync(markerOf(config, token), { force: true });
  } catch (error) {
    if (!isSystems(error)) throw error;
  }
}

/**
 * Which PIN the token has taken last, over restarts: one that it may refuse is not tried where the token says that its tries
 * are running out. Kept is one byte of a salted scrypt hash: enough to tell another PIN, too little to find this one by.
 */
const provenBytes = 1;

/**
 * What the node knows of the PINs of one HSM, `token` by its title. @param usedBefore Whether this node's store has proofs of keys in it: a node of a
 * version that kept no mark has logged in too.
 */
export function knownPins(config: LoadedConfig, token: string, usedBefore = false): KnownPins {
  // Of this process's life: each host's start would cost a tenth of a second.
  const key = randomBytes(32);
  const nameOf = (pin: Secret) => createHmac('sha256', key).update(pin.reveal()).digest('hex');
  const proven = new Set<string>();
  let hasUsed = usedBefore;
  // Of several hosts: what the token has said last holds, however long each hash takes.
  let last = Promise.resolve();
  const inTurn = async (work: () => Promise<void>) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    await done;
  };
  return {
    standing: async (pin) => {
      const name = nameOf(pin);
      if (proven.has(name)) return 'proven';
      if (await isProven(config, token, pin)) {
        proven.add(name);
        return 'proven';
      }
      const marks = [markerOf(config, token), provenMarkOf(config, token)];
      return hasUsed || marks.some((mark) => existsSync(mark)) ? 'replaced' : 'unproven';
    },
    accepted: async (pin) => {
      const name = nameOf(pin);
      const isKnown = proven.has(name);
      proven.add(name);
      await inTurn(async () => {
        forgetRefusal(config, token);
        if (!isKnown) await rememberProven(config, token, pin);
      });
    },
    refused: async (pin) => {
      hasUsed = true;
      proven.delete(nameOf(pin));
      await inTurn(async () => {
        try {
          await rememberRefusal(config, token, pin);
        } finally {
          if (await isProven(config, token, pin)) rmSync(provenMarkOf(config, token), { force: true });
        }
      });
    },
  };
}

async function isProven(config: LoadedConfig, token: string, pin: Secret): Promise<boolean> {
  const mark = readProven(config, token);
  if (mark === undefined) return false;
  const hash = (await hashOf(pin, Buffer.from(mark.salt, 'base64'))).subarray(0, provenBytes);
  return hash.equals(Buffer.from(mark.hash, 'base64'));
}

/** Undefined where there is none, or none that can be read, as one that root has left: then no PIN is proven, and the node starts. */
function readProven(config: LoadedConfig, token: string): ReturnType<typeof parseMarker> {
  const file = provenMarkOf(config, token);
  try {
    return existsSync(file) ? parseMarker(readFileSync(file, 'utf8')) : undefined;
  } catch (error) {
    if (!isSystems(error)) throw error;
    return undefined;
  }
}

/** What failed while it was being read has no path. */
function isSystems(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).errno === 'number';
}

/** That it cannot be kept is no reason not to serve. */
async function rememberProven(config: LoadedConfig, token: string, pin: Secret): Promise<void> {
  try {
    if (await isProven(config, token, pin)) return;
    const salt = randomBytes(16);
    const hash = (await hashOf(pin, salt)).subarray(0, provenBytes);
    keepMark(config, provenMarkOf(config, token), {
      salt: salt.toString('base64'),
      hash: hash.toString('base64'),
    });
  } catch (error) {
    if (!isSystems(error)) throw error;
  }
}

function provenMarkOf(config: LoadedConfig, token: string): string {
  return path.join(config.node.state_directory, `proven-pin.${token}`);
}

function markerOf(config: LoadedConfig, token: string): string {
  return path.join(config.node.state_directory, `refused-pin.${token}`);
}

const hashBytes = 32;

/** A tenth of a second of work and 32 MiB, beside the event loop: the node's processes are watched from it. */
async function hashOf(pin: Secret, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(pin.reveal(), salt, hashBytes, { N: 2 ** 15, maxmem: 64 * 2 ** 20 }, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}

/** Another HSM of the group has refused the PIN that this one is to be asked with. */
export class PinNotTriedError extends Error {
  /** By its title. */
  readonly refusedBy: string;
  readonly remediation: string;

  constructor(token: string, refusedBy: string) {
    super(`token ${token}: not asked, since ${refusedBy} has refused the same PIN`);
    this.name = 'PinNotTriedError';
    this.refusedBy = refusedBy;
    this.remediation = ownPinOf(refusedBy);
  }
}

/** The way out where an HSM of a group has another PIN than the rest. */
export function ownPinOf(title: string): string {
  return `if the others have that PIN, state the one of ${title} as pin in its [[token.member]]`;
}

/**
 * PINs that HSMs of one group have refused while a command opens them. HSMs of a group often share their PIN, and a wrong one would
 * cost each of them a try: what one has refused is tried on no other, but on those that took it last.
 */
export class SharedPins {
  readonly #refused: { pin: Secret; title: string }[] = [];

  refused(title: string, pin: Secret | undefined): void {
    if (pin !== undefined) this.#refused.push({ pin, title });
  }

  /** Throws PinNotTriedError. */
  async assertMayBeTried(
    title: string,
    pin: Secret | undefined,
    { standing }: Pick<KnownPins, 'standing'>,
  ): Promise<void> {
    if (pin === undefined) return;
    const refused = this.#refused.find((one) => isSame(one.pin, pin));
    if (refused === undefined || (await standing(pin)) === 'proven') return;
    throw new PinNotTriedError(title, refused.title);
  }
}

function isSame(one: Secret, other: Secret): boolean {
  const [a, b] = [Buffer.from(one.reveal()), Buffer.from(other.reveal())];
  return a.length === b.length && timingSafeEqual(a, b);
}
