import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { monotonicNow, wallClock } from '../../clock.ts';
import type { TokenReport } from '../../admin/services.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { parseConsoleFile, parseKeys, isExternalKeyId } from '../../doctor/console-file.ts';
import { groups, type Group } from '../../doctor/catalogue.ts';
import { diagnose } from '../../doctor/diagnose.ts';
import type { Finding } from '../../doctor/finding.ts';
import { isLoopback } from '../../doctor/name.ts';
import { DoctorInputError } from '../../doctor/input-error.ts';
import {
  parseAddress,
  parseXksEndpoint,
  type DoctorOptions,
  type NodeOptions,
} from '../../doctor/options.ts';
import { apiOptions, withApi, type Api } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { readCa } from '../client/connection.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { confirm } from '../client/prompt.ts';
import { printReport, summaryOf } from './doctor-report.ts';
import { readClosedFile } from '../client/secret-file.ts';
import { note, terminal } from '../output/streams.ts';
import { version } from '../client/version.ts';
import { printData } from '../output/output.ts';
import { isForPrograms, outputOf } from '../output/output-options.ts';
import { counted } from '../../counted.ts';

export interface DoctorWish {
  /** Of the program or of the command: what stands for both is the program's. */
  endpoint?: string;
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
  const wish = command.optsWithGlobals<DoctorWish>();
  const options = asCliErrors(() => readWish(wish, command));
  if (options.load !== undefined) await confirmLoad(options, wish.yes);
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
          wish.endpoint === undefined ? null : `https://${options.endpoint?.host}:${options.endpoint?.port}`,
        summary,
        findings,
      },
      output,
    );
  process.exitCode = summary.problem > 0 ? exitCodes.problemFound : 0;
}

// oxlint-disable-next-line complexity, max-lines-per-function -- one option after another
function readWish(wish: DoctorWish, command: Command): DoctorOptions {
  const outside = wish.endpoint !== undefined;
  const endpoint = wish.endpoint === undefined ? undefined : parseXksEndpoint(wish.endpoint);
  const needsEndpoint = [
    'consoleFile',
    'key',
    'keysFile',
    'connect',
    'load',
    'clientCertificate',
    'vpc',
  ] as const;
  const stray = needsEndpoint.find((name) => wish[name] !== undefined);
  if (!outside && stray !== undefined)
    throw new CliError(
      'usage',
      'where is the XKS proxy?',
      'holdfast doctor --endpoint https://xks.example.com …',
    );
  if ((wish.clientCertificate === undefined) !== (wish.clientKey === undefined))
    throw new CliError(
      'usage',
      'a client certificate needs its key',
      '--client-certificate FILE --client-key FILE',
    );
  if ((wish.load === undefined) !== (wish.for === undefined))
    throw new CliError('usage', 'load needs a rate and a time', '--load RATE --for SECONDS');
  const keys = [
    ...(wish.key ?? []),
    ...(wish.keysFile === undefined ? [] : parseKeys(read(wish.keysFile, 'the keys file'))),
  ];
  if (!keys.every(isExternalKeyId))
    throw new CliError('usage', 'a key is named by its external key id', 'as holdfast cloud-key list has it');
  if (wish.load !== undefined && (keys.length === 0 || wish.consoleFile === undefined))
    throw new CliError(
      'usage',
      'load needs a key to encrypt with, and a credential',
      '--console-file FILE --key ID',
    );
  // Only named on the command line: beside an endpoint the default is another node's, or nobody's.
  const onNode =
    !outside || command.parent?.getOptionValueSource('config') === 'cli' || wish.backup !== undefined;
  return {
    endpoint,
    connect: wish.connect === undefined ? undefined : parseAddress(wish.connect, endpoint?.port ?? 443),
    credential:
      wish.consoleFile === undefined
        ? undefined
        : parseConsoleFile(readClosedFile(wish.consoleFile, 'the console file')),
    keys,
    ca: wish.ca === undefined ? undefined : readCa(wish.ca),
    client:
      wish.clientCertificate === undefined || wish.clientKey === undefined
        ? undefined
        : {
            certificate: read(wish.clientCertificate, 'the client certificate'),
            key: readClosedFile(wish.clientKey, 'the client key'),
          },
    vpc: wish.vpc,
    timeout: wish.timeout === undefined ? undefined : wish.timeout * 1000,
    load:
      wish.load === undefined || wish.for === undefined ? undefined : { rate: wish.load, seconds: wish.for },
    nameServer: wish.nameServer,
    backup: wish.backup,
    node: onNode ? nodeOptions(wish, command) : undefined,
  };
}

function nodeOptions(wish: DoctorWish, command: Command): NodeOptions {
  let config: LoadedConfig | { problems: readonly string[] };
  try {
    config = loadConfig(wish.config);
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
    const tokens = await client.list<{ name: string }>('/tokens');
    const verdicts = [];
    for (const { name } of tokens) {
      const path = `/tokens/${encodeURIComponent(name)}/verify`;
      const { ok, steps, wayOut } = await client.send<TokenReport>({ method: 'POST', path });
      const failed = steps.find((step) => !step.ok);
      const took = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      const detail =
        failed === undefined
          ? `${steps.length} steps in ${Math.round(took)} ms`
          : `${failed.name}: ${failed.detail}`;
      verdicts.push({ name, ok, detail, wayOut });
    }
    return verdicts;
  };
  try {
    return await withApi(command, verify, options);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return {
      notAsked: `the management API was not asked: ${error.message}`,
      wayOut: error.wayOut ?? 'holdfast login as an administrator of the appliance, then again',
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
    if (error instanceof DoctorInputError) throw new CliError('usage', error.message, error.wayOut);
    throw error;
  }
}
