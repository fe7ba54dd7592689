import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import { readClosedFile } from './secret-file.ts';

const profileForm = z.strictObject({
  endpoint: z.string(),
  /** Path of the CA's certificate, null for the machine's own CAs. */
  ca: z.string().nullable(),
  /** Id of the vault signed in to, null for the appliance. */
  vault: z.string().nullable(),
  username: z.string(),
  /** Session token; null once signed out: the rest is kept for the next sign-in. */
  token: z.string().nullable(),
  expiresAt: z.string().nullable(),
});

const fileForm = z.strictObject({ profiles: z.record(z.string(), profileForm) });

/** Where someone is signed in. */
export type Profile = z.infer<typeof profileForm>;

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
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const result = fileForm.safeParse(parsed);
  if (!result.success)
    throw new CliError('configuration', `${file} is not as we write it`, 'remove it, then holdfast login');
  return result.data.profiles;
}
