import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { recordAlone } from '../../evidence/trail.ts';
import { wallClock } from '../../clock.ts';
import { assertInFile, loadConfig, nodeDirectories, type LoadedConfig } from '../../config/load.ts';
import type { BackupManifest } from '../../store/backup/format.ts';
import { writeBackup, type BackupFacts } from '../../store/backup/writer.ts';
import { asOwner } from '../../store/owner.ts';
import { SqliteStore, StoreError } from '../../store/sqlite/sqlite.ts';
import { examineStoreFile } from '../../store/sqlite/store-file.ts';
import { ownKeys } from '../../token/own-keys.ts';
import { BackupFile, BackupPipe } from './backup-file.ts';
import { CliError } from '../output/cli-error.ts';
import { contentsOf } from './backup-contents.ts';
import { globalOptions } from './global-options.ts';
import { localAct } from './local-context.ts';
import { isForPrograms, outputOf } from '../output/output-options.ts';
import { printData } from '../output/output.ts';
import { note, print, terminal } from '../output/streams.ts';
import { build } from '../client/version.ts';

/** `holdfast backup`. */
export async function runBackup({ file: target }: { file: string }, command: Command): Promise<void> {
  const options = outputOf(command);
  const config = loadConfig(globalOptions(command).config);
  assertInFile(config, 'holdfast backup');
  const ofNode = async <T>(work: () => Promise<T>) => asOwner(nodeDirectories(config), work);
  await ofNode(async () => examineStoreFile(config.storePath, [], false));
  const now = wallClock();
  if (target === '-') {
    const manifest = await ofNode(async () => {
      const written = await toPipe(config, now);
      await tellTrail(config, written, 'standard output');
      return written;
    });
    note(`holdfast: ${inWords(manifest)}`);
    return;
  }
  const file = fileFor(target, now);
  const manifest = await toFile(config, file, now);
  if (isForPrograms(options)) printData({ file, ...manifest }, options);
  else print(`${file}: ${inWords(manifest)}`);
}

async function toPipe(config: LoadedConfig, now: Date): Promise<BackupManifest> {
  if (terminal() !== undefined)
    throw new CliError(
      'usage',
      'a backup is not written to a terminal',
      'holdfast backup --file FILE, or --file - with a pipe behind it',
    );
  const pipe = new BackupPipe(config.storePath);
  try {
    return await writeBackup(config.storePath, factsOf(config, now), pipe);
  } finally {
    pipe.discard();
  }
}

async function toFile(config: LoadedConfig, file: string, now: Date): Promise<BackupManifest> {
  const backup = new BackupFile(file, config.storePath);
  try {
    // Where the file is put may be root's alone.
    const manifest = await asOwner(nodeDirectories(config), async () => {
      const written = await writeBackup(config.storePath, factsOf(config, now), backup);
      backup.sync();
      await tellTrail(config, written, file);
      return written;
    });
    backup.finish();
    return manifest;
  } finally {
    backup.discard();
  }
}

/** In a directory a name of its own, by machine and time, so that a timer needs to make up none. */
function fileFor(target: string, now: Date): string {
  const absolute = path.resolve(target);
  const isDirectory = statSync(absolute, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isDirectory) return absolute;
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return path.join(absolute, `holdfast-${hostname()}-${time}.backup`);
}

function factsOf({ node, tokens }: LoadedConfig, now: Date): BackupFacts {
  return {
    holdfast: build,
    now,
    node: { id: nodeId(node.state_directory), hostname: hostname() },
    tokens: tokens.map(({ name, members }) => ({
      name,
      label: members[0]?.label ?? null,
      sealingKey: ownKeys.sealing.label,
    })),
  };
}

/** '' for a node that has never been started. */
function nodeId(stateDirectory: string): string {
  try {
    return readFileSync(path.join(stateDirectory, 'node-id'), 'utf8').trim();
  } catch {
    return '';
  }
}

/** That all this was read out, by whom and when. A full disk, which it may be made because of, does not forbid it. */
async function tellTrail(config: LoadedConfig, manifest: BackupManifest, file: string): Promise<void> {
  try {
    const store = await SqliteStore.open(config.storePath);
    try {
      await recordAlone(store, localAct('backup'), {
        action: 'store.back-up',
        vaultId: '',
        target: { kind: 'store', id: manifest.sha256, name: file },
        after: {
          sha256: manifest.sha256,
          takenAt: manifest.takenAt,
          revision: manifest.revision,
          lastAuditEvent: manifest.lastAuditEvent,
        },
      });
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    note(
      `holdfast: warning: the audit trail could not be told of this backup: ${error.message}; ${error.remediation}`,
    );
  }
}

function inWords(manifest: BackupManifest): string {
  const { takenAt, sha256 } = manifest;
  return `a backup as of ${takenAt}: ${contentsOf(manifest)}; SHA-256 ${sha256}`;
}
