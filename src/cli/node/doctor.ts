import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { monotonicNow, wallClock } from '../../clock.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { parseConsoleFile, parseKeys, isExternalKeyId } from '../../doctor/console-file.ts';
import { groups, type Group } from '../../doctor/catalogue.ts';
import { endpointOf, findKeyStore, handIn } from './doctor-key-store.ts';
import { diagnose } from '../../doctor/diagnose.ts';
import type { Finding } from '../../doctor/finding.ts';
import { isLoopback } from '../../doctor/name.ts';
import { DoctorInputError } from '../../doctor/input-error.ts';
import {
  parseAddress,
  parseXksEndpoint,
  type DoctorOptions,
  type NodeOptions,
  type TokenVerdict,
} from '../../doctor/options.ts';
import { at } from '../client/address.ts';
import { apiOptions, withApi, type Api } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { readCa } from '../client/connection.ts';
import { verdictsOfMembers } from '../client/member-words.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { confirm } from '../client/prompt.ts';
import { printReport, summaryOf } from './doctor-report.ts';
import { readClosedFile } from '../client/secret-file.ts';
import { note, terminal } from '../output/streams.ts';
import { version } from '../client/version.ts';
import { printData } from '../output/output.ts';
import { isForPrograms, outputOf } from '../output/output-options.ts';
import { counted } from '../../counted.ts';

export interface DoctorInput {
  /** Of the program or of the command: what stands for both is the program's. */
  endpoint?: string;
  externalKeyStore?: string;
  ca?: string;
  timeout?: number;
  config: string;
  consoleFile?: string;
  key?: string[];
  keysFile?: string;
  connect?: string;
  nameServer?: string;
  vpc?: boolean;
  clientCertificate?: string;
  clientKey?: string;
  load?: number;
  for?: number;
  backup?: string;
  yes?: boolean;
}

/** For programs; docs/doctor.md has it. Moves with changes that break readers. */
const schema = 'holdfast-doctor/1';

/** `holdfast doctor`. */
export async function runDoctor(command: Command): Promise<void> {
  const given = command.optsWithGlobals<DoctorInput>();
  const keyStore = given.externalKeyStore === undefined ? undefined : await findKeyStore(command, given);
  const input = keyStore === undefined ? given : { ...given, ...endpointOf(keyStore) };
  const options = asCliErrors(() => readInput(input, command));
  if (options.load !== undefined) await confirmLoad(options, input.yes);
  const output = outputOf(command);
  const startedAt = wallClock();
  const began = monotonicNow();
  const findings: Finding[] = [];
  // The verdict comes first, and so when all is known: until then somebody at a terminal sees how far it is.
  const showsProgress = !isForPrograms(output) && terminal() !== undefined;
  let group: Group | undefined;
  for await (const finding of diagnose(options)) {
    findings.push(finding);
    if (finding.group !== group && showsProgress) note(`${groups[finding.group]} …`);
    ({ group } = finding);
  }
  const summary = summaryOf(findings);
  if (!isForPrograms(output)) printReport(findings, options.endpoint !== undefined);
  else
    printData(
      {
        schema,
        version,
        startedAt: startedAt.toISOString(),
        seconds: Math.round((monotonicNow() - began) / 100) / 10,
        endpoint:
          input.endpoint === undefined ? null : `https://${options.endpoint?.host}:${options.endpoint?.port}`,
        summary,
        findings,
      },
      output,
    );
  process.exitCode = summary.problem > 0 ? exitCodes.problemFound : 0;
  if (keyStore !== undefined) await handIn(command, keyStore, input.endpoint ?? '', findings);
}

// oxlint-disable-next-line complexity, max-lines-per-function -- one option after another
function readInput(input: DoctorInput, command: Command): DoctorOptions {
  const outside = input.endpoint !== undefined;
  const endpoint = input.endpoint === undefined ? undefined : parseXksEndpoint(input.endpoint);
  const needsEndpoint = [
    'consoleFile',
    'key',
    'keysFile',
    'connect',
    'load',
    'clientCertificate',
    'vpc',
  ] as const;
  const stray = needsEndpoint.find((name) => input[name] !== undefined);
  if (!outside && stray !== undefined)
    throw new CliError(
      'usage',
      'where is the XKS proxy?',
      'holdfast doctor --endpoint https://xks.example.com …',
    );
  if ((input.clientCertificate === undefined) !== (input.clientKey === undefined))
    throw new CliError(
      'usage',
      'a client certificate needs its key',
      '--client-certificate FILE --client-key FILE',
    );
  if ((input.load === undefined) !== (input.for === undefined))
    throw new CliError('usage', 'load needs a rate and a time', '--load RATE --for SECONDS');
  const keys = [
    ...(input.key ?? []),
    ...(input.keysFile === undefined ? [] : parseKeys(read(input.keysFile, 'the keys file'))),
  ];
  if (!keys.every(isExternalKeyId))
    throw new CliError('usage', 'a key is named by its external key id', 'as holdfast cloud-key list has it');
  if (input.load !== undefined && (keys.length === 0 || input.consoleFile === undefined))
    throw new CliError(
      'usage',
      'load needs a key to encrypt with, and a credential',
      '--console-file FILE --key ID',
    );
  // Only named on the command line: beside an endpoint the default is another node's, or nobody's.
  const onNode =
    !outside || command.parent?.getOptionValueSource('config') === 'cli' || input.backup !== undefined;
  return {
    endpoint,
    connect: input.connect === undefined ? undefined : parseAddress(input.connect, endpoint?.port ?? 443),
    credential:
      input.consoleFile === undefined
        ? undefined
        : parseConsoleFile(readClosedFile(input.consoleFile, 'the console file')),
    keys,
    ca: input.ca === undefined ? undefined : readCa(input.ca),
    client:
      input.clientCertificate === undefined || input.clientKey === undefined
        ? undefined
        : {
            certificate: read(input.clientCertificate, 'the client certificate'),
            key: readClosedFile(input.clientKey, 'the client key'),
          },
    vpc: input.vpc,
    timeout: input.timeout === undefined ? undefined : input.timeout * 1000,
    load:
      input.load === undefined || input.for === undefined
        ? undefined
        : { rate: input.load, seconds: input.for },
    nameServer: input.nameServer,
    backup: input.backup,
    node: onNode ? nodeOptions(input, command) : undefined,
  };
}

function nodeOptions(input: DoctorInput, command: Command): NodeOptions {
  let config: LoadedConfig | { problems: readonly string[] };
  try {
    config = loadConfig(input.config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    config = { problems: error.problems };
  }
  return { config, verifyTokens: async () => verifyTokens(command) };
}

/** Through the management API, as whoever is signed in. */
async function verifyTokens(command: Command): ReturnType<NonNullable<NodeOptions['verifyTokens']>> {
  // Of the doctor's own options these two are about the XKS proxy.
  const { endpoint: _, ca: __, ...options } = apiOptions(command);
  const verify = async ({ client }: Api) => {
    const tokens = await client.list(at('/tokens'));
    const verdicts: TokenVerdict[] = [];
    for (const { name, members } of tokens) {
      const verified = await client.post(at('/tokens/{token}/verify', { token: name }));
      const { ok, steps, remediation } = verified;
      const failed = steps.find((step) => !step.ok);
      const took = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      const detail =
        failed === undefined
          ? `${steps.length} steps in ${Math.round(took)} ms`
          : `${failed.name}: ${failed.detail}`;
      verdicts.push({ name, ok, detail, remediation }, ...verdictsOfMembers(name, members));
    }
    return verdicts;
  };
  try {
    return await withApi(command, verify, options);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return {
      notAsked: `the management API was not asked: ${error.message}`,
      remediation: error.remediation ?? 'holdfast login as an administrator of the appliance, then again',
    };
  }
}

async function confirmLoad(
  { endpoint, connect, load }: DoctorOptions,
  yes: boolean | undefined,
): Promise<void> {
  const at = connect?.address ?? endpoint?.host ?? '';
  if (isLoopback(at) || at === 'localhost') return;
  await confirm(
    `Send ${counted(load?.rate ?? 0, 'request')} a second to ${endpoint?.host} for ${load?.seconds} s? AWS shares the proxy and the HSM with them.`,
    yes,
  );
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new CliError('configuration', `${what} ${file}: cannot be read (${code})`);
  }
}

function asCliErrors<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DoctorInputError) throw new CliError('usage', error.message, error.remediation);
    throw error;
  }
}
