import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { readPinFile } from '../../config/load.ts';
import { pinIn } from '../../config/pin-text.ts';
import { listProfiles } from '../../config/profile.ts';
import type { Secret } from '../../secret.ts';
import type { Finding, ProbeReport, ProbeVerdict } from '../../token/probe/findings.ts';
import { probeToken } from '../../token/probe/probe.ts';
import { CliError } from '../output/cli-error.ts';
import { isForPrograms, outputOf, serialized } from '../output/output-options.ts';
import { printable } from '../output/printable.ts';
import { askSecret, readSecret } from '../client/prompt.ts';
import { FileOutputError } from '../client/reserved-file.ts';
import { note, print, write } from '../output/streams.ts';
import { isProfileName } from '../output/values.ts';
import { version } from '../client/version.ts';
import { counted } from '../../counted.ts';

export interface ProbeOptions {
  module: string;
  label?: string;
  serial?: string;
  slot?: number;
  pinFile?: string;
  environment?: Record<string, string>;
  initializeParameters?: string;
  gcmMechanism?: number;
  name?: string;
  write?: string;
  timeout: number;
  force?: boolean;
}

/** `holdfast token probe`. */
export async function runProbe(options: ProbeOptions, command: Command): Promise<void> {
  const output = outputOf(command);
  const forPrograms = isForPrograms(output);
  const name = profileNameOf(options);
  const pin = await givenPin(options.pinFile);
  const { label, serial, slot } = options;
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const report = await probeToken({
    module: path.resolve(options.module),
    choose: { label, serial, slot },
    environment: options.environment ?? {},
    initializeParameters: options.initializeParameters,
    mechanism: options.gcmMechanism,
    pin: async () => pin ?? askPin(),
    force: options.force === true,
    timeout: options.timeout * 1_000,
    name,
    taken: listProfiles(),
    version,
    signal: stopping.signal,
    onFinding: (finding) => (forPrograms ? undefined : tellFinding(finding)),
  });
  process.off('SIGINT', stop).off('SIGTERM', stop);
  const { profile } = report;
  if (profile !== undefined && options.write !== undefined) writeNew(options.write, profile.toml);
  if (forPrograms) print(serialized({ ...report, file: options.write ?? null }, output));
  else if (profile !== undefined && options.write === undefined) write(profile.toml);
  end(report, options);
}

/** To standard error: standard output is the profile's. */
function tellFinding({ step, result, found, remediation }: Finding): void {
  note(`${result.padEnd(4)}  ${step.padEnd(14)}  ${printable(found)}`);
  if (remediation !== undefined) note(`${' '.repeat(22)}hint: ${printable(remediation)}`);
}

const exits: Readonly<Record<Exclude<ProbeVerdict, 'profile'>, ConstructorParameters<typeof CliError>[0]>> = {
  cannot: 'problemFound',
  unreached: 'tokenUnavailable',
  'pin-refused': 'pinRefused',
  'pin-kept': 'pinRefused',
};

function end({ verdict, reason, remediation, profile, left }: ProbeReport, options: ProbeOptions): void {
  if (left.length > 0)
    note(
      `holdfast: ${counted(left.length, 'key of the probe’s is', 'keys of the probe’s are')} left in the token: ${left.map(({ id }) => id).join(', ')}`,
    );
  if (verdict !== 'profile') throw new CliError(exits[verdict], `no profile: ${reason ?? ''}`, remediation);
  if (options.write !== undefined)
    note(
      `holdfast: profile ${profile?.name ?? ''} is in ${options.write}: name its directory as node.profile_directory, then ` +
        'holdfast serve --check; at its end it has the lines of the token',
    );
}

/** Before the token is touched: what would fail at the end is told now. */
function profileNameOf({ name, write: file }: ProbeOptions): string | undefined {
  if (file === undefined) return name;
  if (existsSync(file))
    throw new CliError('conflict', `${file} exists already`, 'name another file, or remove it');
  const ofFile = path.basename(file, '.toml');
  const isName = path.extname(file) === '.toml' && isProfileName(ofFile);
  if (!isName || (name !== undefined && name !== ofFile))
    throw new CliError(
      'usage',
      `--write ${file}: a profile is kept in a file of its own name, NAME.toml, of a-z, 0-9 and hyphens`,
      `--write ${path.join(path.dirname(file), `${name ?? 'my-hsm'}.toml`)}`,
    );
  return ofFile;
}

function writeNew(file: string, toml: string): void {
  try {
    writeFileSync(file, toml, { flag: 'wx', mode: 0o644, flush: true });
  } catch (error) {
    throw new FileOutputError(file, error);
  }
}

/** Of the file; from the terminal only once the token asks for it. */
async function givenPin(file: string | undefined): Promise<Secret | undefined> {
  if (file === undefined) return undefined;
  if (file !== '-') return readPinFile({ file });
  const line = await readSecret({ what: 'PIN', option: '--pin-file', file });
  return pinIn(Buffer.from(line.reveal()), 'standard input');
}

async function askPin(): Promise<Secret> {
  const typed = await askSecret(
    'PIN of the token: ',
    'a PIN is to be asked for, but there is no terminal; use --pin-file FILE, or "--pin-file -" for standard input',
  );
  return pinIn(Buffer.from(typed.reveal()), 'what was typed');
}
