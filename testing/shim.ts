import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const sources = path.join(import.meta.dirname, 'shim');
/** "RSA Security Inc. PKCS #11 Cryptographic Token Interface (Cryptoki)", read where pkcs11js has it. */
const headers = path.join(root, 'node_modules/pkcs11js/includes/pkcs11');
const warnings = ['-Wall', '-Wextra', '-Werror'];
const library = ['-shared', '-fPIC', '-fvisibility=hidden', '-pthread'];
const flags = ['-std=c11', '-O2', ...warnings, ...library, '-isystem', headers];

/** One line of the control file; the words are explained in shim/control.c. */
export interface Rule {
  /** `C_…`, or `*` for every function (general actions only). */
  call: `C_${string}` | '*';

  /** Filters; all must hold. */
  pid?: number;
  /** Not the first so many calls of a process. */
  after?: number;
  /** At most so many calls of a process; of all processes with `claim`. */
  times?: number;
  /** Path of {@link Shim.claimToken}: one process only, the first that gets there. */
  claim?: string;

  delayMicroseconds?: number;
  /** From the call on, SIGALRM comes so often, to a handler without SA_RESTART. */
  timerMicroseconds?: number;
  /** Path of {@link Shim.barrier}: until it is lifted. */
  wait?: string;
  hang?: boolean;
  crash?: 'abort' | 'segv' | 'kill' | 'exit';
  /** Returned instead of the call, or with `forward` after it. */
  rv?: number;
  forward?: boolean;
  /** C_Encrypt, C_Decrypt: an `rv` that leaves the operation active, as some modules do. */
  leaveActive?: boolean;

  /** C_EncryptInit: where the IV that the token makes comes back. */
  iv?: 'init' | 'encrypt' | 'append' | 'zero' | 'same' | 'unchanged';
  ivValue?: 'random' | 'zero' | 'same' | 'withheld' | 'wrong';
  ivBytes?: 12 | 16;
  /** Refuse an IV of the caller's; true unless given. */
  strict?: boolean;
  /** C_EncryptInit, C_DecryptInit: abort when the IV or AAD has gone by the time of the call. */
  hold?: boolean;
  /** Mechanism number that stands for AES-GCM; CKM_AES_GCM itself is then unknown. C_GetMechanism… too. */
  asGcm?: number;
  /** The mechanism parameter is the v2.30 structure. */
  noIvBits?: boolean;

  /** C_Encrypt, C_Decrypt: flip one bit of the output. */
  corrupt?: 'any' | 'ciphertext' | 'tag';
  /** C_GetAttributeValue: attribute type → what it is said to be. */
  attributes?: Record<number, boolean | Uint8Array | 'unavailable'>;
  /** C_GetSlotList: so many slots before the real ones, of which nothing can be read. */
  ghosts?: number;
  /** C_GetSlotInfo, C_GetTokenInfo: only of slots whose token was not initialised. */
  uninitialised?: boolean;
  /** C_Initialize: makes the descriptors 3 and 4 of the process non-blocking. */
  nonblocking?: boolean;
  /** C_OpenSession: a process gets no more at a time. */
  sessions?: number;
  /** C_OpenSession: all processes together get no more at a time, those that are open already included. */
  allSessions?: number;
  /** C_GenerateKey: refuse a template with one of these attribute types. */
  refuse?: readonly number[];
  /** C_GenerateKey: refuse a longer CKA_ID or CKA_LABEL, or cut the label silently; bytes. */
  maxId?: number;
  maxLabel?: number;
  cutLabel?: number;
  /** C_EncryptInit, C_DecryptInit: refuse more AAD, or leave the rest out silently; bytes. */
  maxAad?: number;
  cutAad?: number;
  /** C_Encrypt, C_Decrypt: refuse more; bytes. */
  maxData?: number;
  /** C_FindObjects. */
  duplicate?: boolean;
  empty?: boolean;
  /** C_GenerateRandom: every byte is this. */
  fill?: number;
  /** C_GetSlotInfo, C_GetTokenInfo, C_GetMechanismInfo. */
  setFlags?: number;
  clearFlags?: number;
}

/**
 * Compiles the shim, once for its source, into `build/`. Test processes may race for it: each compiles to a name
 * of its own, and the last rename wins with the same bytes.
 */
export async function buildShim(): Promise<string> {
  const names = (await readdir(sources)).filter((name) => /\.[ch]$/.test(name)).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(path.join(sources, name))));
  const hash = createHash('sha256').update(JSON.stringify([flags, process.arch, names]));
  for (const text of texts) hash.update(text);
  const built = path.join(root, 'build', `shim-${hash.digest('hex').slice(0, 16)}.so`);
  const exists = await access(built).then(
    () => true,
    () => false,
  );
  if (exists) return built;

  await mkdir(path.dirname(built), { recursive: true });
  const draft = `${built}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const units = names.filter((name) => name.endsWith('.c')).map((name) => path.join(sources, name));
  try {
    await promisify(execFile)('gcc', [...flags, '-o', draft, ...units, '-ldl']);
    await rename(draft, built);
  } finally {
    await rm(draft, { force: true });
  }
  return built;
}

/**
 * A PKCS#11 module over a real one that can be made to hang, crash, fail and lie, in any process that loads it,
 * while it runs: `set()` takes effect with the next call.
 */
export class Shim {
  /** Path of the module to load. */
  readonly module: string;
  /** Variables that a process needs from its start; add those of the token behind (`SOFTHSM2_CONF`). */
  readonly environment: Record<string, string>;
  readonly #directory: string;
  readonly #control: string;
  readonly #counts: string;
  #serial = 0;

  private constructor(module: string, directory: string, behind: string | undefined) {
    this.module = module;
    this.#directory = directory;
    this.#control = path.join(directory, 'control');
    this.#counts = path.join(directory, 'counts');
    this.environment = {
      HOLDFAST_SHIM_CONTROL: this.#control,
      HOLDFAST_SHIM_COUNTS: this.#counts,
      ...(behind !== undefined && { HOLDFAST_SHIM_MODULE: behind }),
    };
  }

  /** @param behind Path of the real module; SoftHSM unless given. */
  static async create(behind?: string): Promise<Shim> {
    const module = await buildShim();
    const directory = await mkdtemp(path.join(fastDirectory(), 'holdfast-shim-'));
    const shim = new Shim(module, directory, behind);
    await shim.clear();
    return shim;
  }

  /** Replaces all rules at once. What `times` and `after` have counted starts again. */
  async set(rules: string | readonly Rule[]): Promise<void> {
    const text = typeof rules === 'string' ? rules : rules.map((rule) => `${toLine(rule)}\n`).join('');
    const draft = `${this.#control}.${this.#serial++}`;
    await writeFile(draft, text);
    await rename(draft, this.#control);
  }

  clear(): Promise<void> {
    return this.set('');
  }

  /** Calls by all processes since create(), by function; a function that was not called is not in it. */
  async counts(): Promise<Record<string, number>> {
    const file = await readFile(this.#counts).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    const counts: Record<string, number> = {};
    for (let at = 0; at + 64 <= file.length; at += 64) {
      const calls = Number(file.readBigUInt64LE(at + 56));
      if (calls > 0) counts[file.toString('latin1', at, file.indexOf(0, at))] = calls;
    }
    return counts;
  }

  /** A file for `claim`: the process that removes it is the one that the rule is about. */
  async claimToken(): Promise<string> {
    const token = path.join(this.#directory, `claim-${this.#serial++}`);
    await writeFile(token, '');
    return token;
  }

  /** A file for `wait`: the calls that come to it go on once it is lifted, or the shim disposed of. */
  async barrier(): Promise<{ path: string; lift: () => Promise<void> }> {
    const barrier = path.join(this.#directory, `barrier-${this.#serial++}`);
    await writeFile(barrier, '');
    return { path: barrier, lift: async () => rm(barrier, { force: true }) };
  }

  /** Removes everything; processes that still run go on without rules. */
  dispose(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }
}

function toLine(rule: Rule): string {
  const words: string[] = [rule.call];
  const flag = (name: string, on: boolean | undefined): void => {
    if (on === true) words.push(name);
  };
  const value = (name: string, given: string | number | undefined): void => {
    if (given !== undefined) words.push(`${name}=${given}`);
  };
  value('pid', rule.pid);
  value('after', rule.after);
  value('times', rule.times);
  value('claim', rule.claim);
  value('delay_us', rule.delayMicroseconds);
  value('timer_us', rule.timerMicroseconds);
  value('wait', rule.wait);
  flag('hang', rule.hang);
  value('crash', rule.crash);
  value('rv', rule.rv);
  flag('forward', rule.forward);
  flag('leave_active', rule.leaveActive);
  value('iv', rule.iv);
  value('iv_value', rule.ivValue);
  value('iv_bytes', rule.ivBytes);
  value('strict', rule.strict === undefined ? undefined : Number(rule.strict));
  flag('hold', rule.hold);
  value('as_gcm', rule.asGcm);
  flag('no_iv_bits', rule.noIvBits);
  value('corrupt', rule.corrupt);
  for (const [type, told] of Object.entries(rule.attributes ?? {})) {
    const bytes = typeof told === 'boolean' ? Buffer.from([Number(told)]) : told;
    value('attr', `${type}:${typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('hex')}`);
  }
  value('ghosts', rule.ghosts);
  flag('uninitialised', rule.uninitialised);
  flag('nonblocking', rule.nonblocking);
  value('sessions', rule.sessions);
  value('all_sessions', rule.allSessions);
  for (const type of rule.refuse ?? []) value('refuse', type);
  value('most_id', rule.maxId);
  value('most_label', rule.maxLabel);
  value('cut_label', rule.cutLabel);
  value('most_aad', rule.maxAad);
  value('cut_aad', rule.cutAad);
  value('most_data', rule.maxData);
  flag('duplicate', rule.duplicate);
  flag('empty', rule.empty);
  value('fill', rule.fill?.toString(16).padStart(2, '0'));
  value('set_flags', rule.setFlags);
  value('clear_flags', rule.clearFlags);
  return words.join(' ');
}

function fastDirectory(): string {
  try {
    accessSync('/dev/shm', constants.W_OK | constants.X_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}
