import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { accessKeyOf, CommandError, keptTls, readGiven, writeAside } from './command-files.ts';
import type { SimulatorOptions } from './simulator-options.ts';
import { ClientCertificates } from './client-certificates.ts';
import { ControlPort } from './control.ts';
import { Simulator } from './simulator.ts';
import { announce, caOf, quickstartHome, quickstartHost, type QuickstartHome } from './quickstart-home.ts';
import { addTroubleFlags, troubleOptions, type TroubleFlags } from './trouble-flags.ts';

interface Flags extends TroubleFlags {
  readonly address: string;
  readonly port: string;
  readonly directory?: string;
  readonly quickstart?: boolean;
  readonly hostName: string[];
  readonly caFile?: string;
  readonly http?: boolean;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly xksCa?: string;
  readonly resolve: string[];
  readonly trail?: string;
  readonly state?: string;
  readonly fast?: boolean;
  readonly account: string;
  readonly accessKeyFile?: string;
}

/** `--fast`: what takes minutes or days in AWS takes seconds. The 250 ms that AWS gives an XKS proxy stay. */
const FAST = { connectMs: 500, disconnectMs: 200, healthEveryMs: 2_000, dayMs: 1_000, bucketKeyMs: 2_000 };

/** `holdfast-simulator`; `fail` is told what is wrong, in one line, and the exit code. */
export function createCommand(fail: (line: string, exitCode: number) => void): Command {
  const command = new Command('holdfast-simulator')
    .description(
      'An AWS to develop and test against: KMS with external key stores, IAM, STS and S3 behind one endpoint, for the unmodified AWS CLI and SDKs.',
    )
    .version(version())
    .option('--address <ip>', 'where it listens', '127.0.0.1')
    .option('--port <number>', 'the port; 0 for any free one', '4568')
    .option(
      '--directory <path>',
      `where it keeps its CA (ca.pem), certificate and access key (credentials) (default: ${path.join('.holdfast', 'simulator')})`,
    )
    .option(
      '--quickstart',
      `works together with make up, in HOLDFAST_HOME: trusts its CA, knows it as ${quickstartHost}, is AWS for it; implies --fast and --state`,
    )
    .option('--ca-file <file>', 'where else it writes its CA, for other programs to read')
    .option('--host-name <name>', 'one more name or address it is called by; may be repeated', append, [])
    .option('--http', 'no TLS')
    .option('--tls-certificate <file>', 'certificate chain, in place of one of its own CA (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--xks-ca <file>', "what the XKS proxy's certificate must chain to (PEM)")
    .option(
      '--resolve <host=address:port>',
      'where an XKS host really is; AWS calls port 443 of a public name; may be repeated',
      append,
      [],
    )
    .option('--trail <file>', "CloudTrail's records, in CloudTrail's form")
    .option('--state <file>', 'keeps users, keys, buckets and objects over a restart; it has secrets')
    .option('--fast', 'what takes minutes or days in AWS takes seconds')
    .option('--account <id>', 'the account whose root user the access key is for: 12 digits', '111122223333')
    .option(
      '--access-key-file <file>',
      "the root user's access key in the form of ~/.aws/credentials; made if it is not there (default: credentials in the directory)",
    );
  return addTroubleFlags(command).action(async (flags: Flags) => {
    try {
      await run(flags);
    } catch (error) {
      const known = error instanceof CommandError;
      fail(`holdfast-simulator: ${known ? error.message : startProblem(error)}`, known ? error.exitCode : 69);
    }
  });
}

// oxlint-disable-next-line complexity -- one flag after another
async function run(given: Flags): Promise<void> {
  const home = given.quickstart === true ? quickstartHome(process.env) : undefined;
  if (home !== undefined && (given.http === true || given.tlsCertificate !== undefined))
    throw new CommandError(
      '--quickstart: goes with a certificate of its own CA; leave --http and --tls-certificate out',
    );
  const directory = path.resolve(given.directory ?? path.join(home?.directory ?? '.holdfast', 'simulator'));
  const flags: Flags =
    home === undefined
      ? given
      : { ...given, fast: true, state: given.state ?? path.join(directory, 'state.json') };
  const keyFile = path.resolve(flags.accessKeyFile ?? path.join(directory, 'credentials'));
  const options = await optionsOf(flags, directory, home);
  if (!/^\d{12}$/.test(flags.account)) throw new CommandError('--account: an account id has 12 digits');
  const accessKey = accessKeyOf(keyFile);
  const simulator = await Simulator.start(options);
  for (const rule of flags.fault) simulator.fault(rule);
  for (const service of flags.vpcEndpointService) simulator.kms.putVpcEndpointService(service);
  const control = flags.control === undefined ? undefined : await ControlPort.open(simulator, flags.control);
  simulator.account(flags.account, accessKey);
  if (flags.caFile !== undefined && simulator.ca !== '')
    writeAside(path.resolve(flags.caFile), simulator.ca, 0o644);
  const forget =
    home === undefined ? undefined : announce(home, simulator.url, path.join(directory, 'ca.pem'));
  const ownCa = flags.http !== true && flags.tlsCertificate === undefined;
  console.log(`holdfast-simulator: ready at ${simulator.url}, account ${flags.account}`);
  // Some of AWS's tools read the one name of the Region, some the other.
  const environment = [
    `export AWS_SHARED_CREDENTIALS_FILE=${quoted(keyFile)} AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1`,
    ...(ownCa ? [`AWS_CA_BUNDLE=${quoted(path.join(directory, 'ca.pem'))}`] : []),
    `AWS_ENDPOINT_URL=${simulator.url}`,
  ].join(' ');
  console.log(`  ${environment}`);
  writeAside(path.join(directory, 'environment'), `${environment}\n`, 0o600);
  console.log(`  aws --endpoint-url ${simulator.url} sts get-caller-identity`);
  if (home !== undefined)
    console.log('  next, in another terminal: make up. From there on: docs/simulator.md, "With make up"');
  if (control !== undefined) console.log(`  control port: ${control.url}`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  forget?.();
  await control?.close();
  await simulator.close();
}

async function optionsOf(
  flags: Flags,
  directory: string,
  home: QuickstartHome | undefined,
): Promise<SimulatorOptions> {
  const port = Number(flags.port);
  if (!/^\d{1,5}$/.test(flags.port) || port > 65_535) throw new CommandError('--port: is not a port number');
  const now = (): string => new Date().toISOString();
  return {
    ...{ port, address: flags.address, hostNames: flags.hostName, tls: await tlsOf(flags, directory) },
    resolve: {
      ...(home === undefined ? {} : { [quickstartHost]: `127.0.0.1:${home.xksPort}` }),
      ...Object.fromEntries(flags.resolve.map(readResolve)),
    },
    ...(home === undefined ? {} : { xksCa: () => caOf(home) }),
    ...(flags.xksCa === undefined ? {} : { xksCa: readGiven(flags.xksCa, '--xks-ca') }),
    ...(flags.trail === undefined ? {} : { trailFile: path.resolve(flags.trail) }),
    ...(flags.state === undefined ? {} : { stateFile: path.resolve(flags.state) }),
    time: { ...(flags.fast === true ? FAST : {}), ...troubleOptions(flags).time },
    ...(flags.clientCertificate === true
      ? { clientCertificates: await ClientCertificates.open(directory) }
      : {}),
    log: (line) => console.error(`${now()} ${line}`),
  };
}

async function tlsOf(flags: Flags, directory: string): Promise<NonNullable<SimulatorOptions['tls']>> {
  const { tlsCertificate: certificate, tlsKey: key } = flags;
  if (flags.http === true) {
    if (certificate !== undefined || key !== undefined)
      throw new CommandError('--http: is given together with a certificate; leave one of them out');
    return 'none';
  }
  if (certificate === undefined && key === undefined) return await keptTls(directory, flags.hostName);
  if (certificate === undefined || key === undefined)
    throw new CommandError('--tls-certificate and --tls-key go together');
  return {
    certificate: readGiven(certificate, '--tls-certificate'),
    key: readGiven(key, '--tls-key'),
    ca: '',
  };
}

function readResolve(text: string): [string, string] {
  const match = /^([A-Za-z0-9.-]+)=((?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):\d{1,5})$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new CommandError('--resolve: needs the form xks.example.com=127.0.0.1:8443');
  return [match[1].toLowerCase(), match[2]];
}

function append(value: string, before: string[]): string[] {
  return [...before, value];
}

function startProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') return 'the port is in use; choose another with --port';
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') return 'it may not listen at this address and port';
  if (code === 'ENOENT') return 'a directory or the program openssl is not there';
  return error instanceof Error ? error.message : 'it cannot start';
}

function quoted(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
