import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { CliError } from './cli-error.ts';
import { readClosedFile } from './secret-file.ts';

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
  const home = path.isAbsolute(configured) ? configured : path.join(homedir(), '.config');
  return path.join(home, 'holdfast', 'credentials.json');
}

/** Undefined where there is none of this name. Throws CliError where others could read or change the file. */
export function readProfile(name: string): Profile | undefined {
  return readProfiles()[name];
}

/** Writes a profile, for its owner only, whole or not at all. */
export function writeProfile(name: string, profile: Profile): void {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name))
    throw new CliError('usage', 'a profile name has 1 to 64 characters of A-Z, a-z, 0-9, ".", "_" and "-"');
  const file = profilesFile();
  const profiles = { ...readProfiles(), [name]: profile };
  const directory = path.dirname(file);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, `${JSON.stringify({ profiles }, null, 2)}\n`, { mode: 0o600, flag: 'w' });
  renameSync(temporary, file);
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
