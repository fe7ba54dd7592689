import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { CliError } from '../output/cli-error.ts';
import { ReservedFile } from './reserved-file.ts';
import { readClosedFile } from './secret-file.ts';
import { systemReason } from '../../system-reason.ts';

/** Where someone is signed in. */
export interface Profile {
  endpoint: string;
  /** Path of the CA's certificate, null for the machine's own CAs. */
  ca: string | null;
  /** Id of the vault signed in to, null for the appliance. */
  vault: string | null;
  username: string;
  /** Session token; null once signed out: the rest is kept for the next sign-in. */
  token: string | null;
  expiresAt: string | null;
}

export function profilesFile(): string {
  const configured = process.env['XDG_CONFIG_HOME'] ?? '';
  // The XDG specification has relative paths ignored.
  const home = path.isAbsolute(configured) ? configured : path.join(homeDirectory(), '.config');
  return path.join(home, 'holdfast', 'credentials.json');
}

/** Undefined where there is none of this name. Throws CliError where others could read or change the file. */
export function readProfile(name: string): Profile | undefined {
  return readProfiles()[name];
}

/** Where a profile goes, with its room on the disk. */
export interface ProfilePlace {
  /** Writes it, for its owner only, whole or not at all. Throws CliError. */
  write: (profile: Profile) => void;
  /** Lets go of the room. */
  close: () => void;
}

/** Writes a profile. Throws CliError. */
export function writeProfile(name: string, profile: Profile): void {
  const place = reserveProfile(name);
  try {
    place.write(profile);
  } finally {
    place.close();
  }
}

/**
 * Sees to it that a profile can be written, before somebody signs in: a session that could not be kept would stay open
 * at the node. Throws CliError where it cannot.
 */
export function reserveProfile(name: string): ProfilePlace {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name))
    throw new CliError('usage', 'a profile name has 1 to 64 characters of A-Z, a-z, 0-9, ".", "_" and "-"');
  const file = profilesFile();
  readProfiles();
  const directory = path.dirname(file);
  const temporary = `${file}.${process.pid}.new`;
  let reserved: ReservedFile;
  try {
    makeDirectory(directory);
    chmodSync(directory, 0o700);
    // Of a process of the same id that was killed.
    rmSync(temporary, { force: true });
    reserved = ReservedFile.make(temporary);
  } catch (error) {
    throw new CliError(
      'output',
      `the sign-in cannot be kept in ${file}: ${systemReason(error instanceof CliError ? error.cause : error).words}`,
      'set XDG_CONFIG_HOME to a directory of yours that can be written; programs need none: HOLDFAST_API_KEY_FILE',
      error,
    );
  }
  return {
    write: (profile) => {
      // As it is now: somebody may have signed in under another name meanwhile.
      const profiles = { ...readProfiles(), [name]: profile };
      reserved.fill(`${JSON.stringify({ profiles }, null, 2)}\n`);
      reserved.rename(file);
    },
    close: () => reserved.close(),
  };
}

function readProfiles(): Record<string, Profile> {
  const file = profilesFile();
  if (!existsSync(file)) return {};
  const text = readClosedFile(file, 'the file of sign-ins');
  const profiles = parseProfiles(text);
  if (profiles === undefined)
    throw new CliError('configuration', `${file} is not as we write it`, 'remove it, then holdfast login');
  return profiles;
}

function parseProfiles(text: string): Record<string, Profile> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const profiles: unknown = (parsed as { profiles?: unknown } | null)?.profiles;
  if (typeof profiles !== 'object' || profiles === null) return undefined;
  return Object.values(profiles).every(isProfile) ? (profiles as Record<string, Profile>) : undefined;
}

/** By hand: a schema library would cost every command as much time to load as all else together. */
function isProfile(value: unknown): value is Profile {
  if (typeof value !== 'object' || value === null) return false;
  const members = new Map<string, unknown>(Object.entries(value));
  return (
    ['endpoint', 'username'].every((name) => typeof members.get(name) === 'string') &&
    ['ca', 'vault', 'token', 'expiresAt'].every(
      (name) => members.get(name) === null || typeof members.get(name) === 'string',
    )
  );
}

/** One after another: asked to make all at once, Node tells of a read-only file system that nothing is there. */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  makeDirectory(path.dirname(directory));
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * Of HOME, else of the user's entry in passwd, which one in a container may not have. A HOME that is empty or relative would
 * lead into whatever directory the command is run in.
 */
function homeDirectory(): string {
  let home: string;
  try {
    home = homedir();
  } catch {
    throw noHome('HOME is not set, and this user has no entry in passwd');
  }
  if (!path.isAbsolute(home)) throw noHome('HOME is not an absolute path');
  return home;
}

function noHome(why: string): CliError {
  return new CliError(
    'configuration',
    `where are sign-ins kept? ${why}`,
    'set XDG_CONFIG_HOME to a directory of yours; programs need none: HOLDFAST_API_KEY_FILE',
  );
}
