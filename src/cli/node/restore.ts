import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { wallClock } from '../../clock.ts';
import { assertInFile, loadConfig, type LoadedConfig } from '../../config/load.ts';
import type { BackupManifest } from '../../store/backup/format.ts';
import { buildStore } from '../../store/backup/reader.ts';
import { adjustRestored } from '../../store/backup/restored-store.ts';
import { companions, restoringPath } from '../../store/sqlite/store-file.ts';
import { putInPlace, ReplacedStore } from '../../store/backup/store-swap.ts';
import { encryptionsPerSecond, refuseAt, rotateAt } from '../../keys/encryption-limits.ts';
import type { TokenContents } from '../../reconcile/restored-keys.ts';
import { ownKeys } from '../../token/own-keys.ts';
import { goOnAsOwner } from './as-owner.ts';
import { CliError } from '../output/cli-error.ts';
import { globalOptions } from './global-options.ts';
import { outputOf } from '../output/output-options.ts';
import { takeNodeLocks } from './node-locks.ts';
import { tellTrailOfRestore } from './restore-events.ts';
import type { Restored } from './restored.ts';
import { examineTokens } from './restored-tokens.ts';
import { printCheck, printRestored } from './tell-restore.ts';
import { systemReason } from '../../system-reason.ts';

export interface RestoreInput {
  check?: boolean;
  withoutToken?: boolean;
  replace?: boolean;
  allowMissingKeys?: boolean;
  asBackedUp?: boolean;
}

/** `holdfast restore`. */
export async function runRestore(file: string, input: RestoreInput, command: Command): Promise<void> {
  const options = outputOf(command);
  const { config: configFile } = globalOptions(command);
  if (input.withoutToken === true && input.check !== true)
    throw new CliError(
      'usage',
      '--without-token goes with --check: a store whose keys nobody has looked for is not put in place',
      '--allow-missing-keys puts one in place that lacks some',
    );
  if (input.check === true) {
    const { manifest, tokens } = await check(file, input, configFile);
    printCheck(file, manifest, tokens, options);
    const missing = (tokens ?? []).flatMap((token) => token.missing).length;
    if (missing > 0) throw new CliError('data', ...notAll(missing));
    return;
  }
  const config = loadConfig(configFile);
  assertInFile(config, 'holdfast restore');
  // Root may be the only one who can read it.
  const source = sourceOf(file);
  goOnAsOwner(config);
  printRestored(await restore(config, source, input), options);
}

/** Builds it elsewhere, and looks at it there. */
async function check(
  file: string,
  { withoutToken = false }: RestoreInput,
  configFile: string,
): Promise<{ manifest: BackupManifest; tokens: TokenContents[] | undefined }> {
  const config = withoutToken ? undefined : loadConfig(configFile);
  const source = sourceOf(file);
  if (config !== undefined) goOnAsOwner(config);
  const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-restore-'));
  try {
    const store = path.join(directory, 'holdfast.db');
    const manifest = await buildStore(store, source);
    return {
      manifest,
      tokens: config === undefined ? undefined : await examineTokens(config, store),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** @param file Its path, or what is in it. `onStep` hears of each step once it is done. */
export async function restore(
  config: LoadedConfig,
  file: string | BackupSource,
  input: RestoreInput,
  onStep?: (step: string) => void,
): Promise<Restored> {
  const { storePath } = config;
  const source = typeof file === 'string' ? sourceOf(file) : file;
  mkdirSync(config.node.state_directory, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(storePath), { recursive: true, mode: 0o700 });
  const releaseLocks = takeNodeLocks(config, 'restore');
  const prepared = restoringPath(storePath);
  try {
    assertReplaceable(storePath, input);
    // One that was killed has left it; no other runs, since the locks are ours.
    remove(prepared);
    const manifest = await buildStore(prepared, source);
    onStep?.('built');
    const tokens = await examineTokens(config, prepared);
    refuseMissing(tokens, input.allowMissingKeys === true);
    return await putBack(config, { manifest, tokens, prepared, input }, onStep);
  } finally {
    remove(prepared);
    releaseLocks();
  }
}

interface Prepared {
  manifest: BackupManifest;
  tokens: TokenContents[];
  prepared: string;
  input: RestoreInput;
}

async function putBack(
  config: LoadedConfig,
  { manifest, tokens, prepared, input }: Prepared,
  onStep?: (step: string) => void,
): Promise<Restored> {
  const { storePath } = config;
  const now = wallClock();
  const aside = `${storePath}-replaced-${now.toISOString().replaceAll(/[-:.]/g, '')}`;
  const held = existsSync(storePath) ? await ReplacedStore.hold(storePath) : undefined;
  try {
    const adjusted = adjustRestored(prepared, {
      manifest,
      replaced: held === undefined || held.damaged !== undefined ? undefined : storePath,
      asBackedUp: input.asBackedUp === true,
      now,
      sealingKey: ownKeys.sealing.label,
      encryptionsPerSecond,
      rotateAt,
      refuseAt,
    });
    const replaced =
      held === undefined ? undefined : { keptAs: aside, sha256: sha256Of(storePath), damaged: held.damaged };
    const restored = { manifest, tokens, adjusted, replaced };
    await tellTrailOfRestore(prepared, restored);
    onStep?.('told');
    putInPlace({ prepared, file: storePath, replaced: held, aside }, onStep);
    return restored;
  } finally {
    held?.release();
  }
}

type BackupSource = AsyncIterable<Buffer>;

function sourceOf(file: string): BackupSource {
  if (file === '-') return process.stdin as BackupSource;
  try {
    const descriptor = openSync(file, 'r');
    return createReadStream(file, { fd: descriptor, highWaterMark: 1024 * 1024 }) as BackupSource;
  } catch (error) {
    throw new CliError('notFound', `${file} cannot be read: ${systemReason(error).words}`, 'name a backup');
  }
}

function assertReplaceable(storePath: string, { replace = false }: RestoreInput): void {
  const size = statSync(storePath, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0 || replace) return;
  throw new CliError(
    'conflict',
    `there is a store at ${storePath}`,
    '--replace puts the backup in its place, and keeps it under another name',
  );
}

/** What is missing is named, all of it: whoever goes on all the same knows what will not be readable. */
function refuseMissing(tokens: readonly TokenContents[], isAllowed: boolean): void {
  const missing = tokens.flatMap(({ token, missing: lines }) =>
    lines.map((what) => ({ where: `token ${token}`, detail: what })),
  );
  if (missing.length === 0 || isAllowed) return;
  throw new MissingKeysError(missing);
}

function notAll(missing: number): [problem: string, remediation: string] {
  return [
    `the tokens have not all that this backup needs: ${missing} missing`,
    'is it the right token, of the right time? Restore the token from its own backup first; --allow-missing-keys puts the store in place without',
  ];
}

/** The tokens have not all that the backup needs; nothing was put in place. */
export class MissingKeysError extends CliError {
  override readonly fields: readonly { where: string; detail: string }[];

  constructor(fields: readonly { where: string; detail: string }[]) {
    super('data', ...notAll(fields.length));
    this.fields = fields;
  }
}

function remove(store: string): void {
  for (const end of ['', ...companions]) rmSync(`${store}${end}`, { force: true });
}

function sha256Of(file: string): string {
  const hash = createHash('sha256');
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.allocUnsafe(1024 * 1024);
    for (;;) {
      const length = readSync(descriptor, chunk);
      if (length === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, length));
    }
  } finally {
    closeSync(descriptor);
  }
}
