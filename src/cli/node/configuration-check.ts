import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { wallClock } from '../../clock.ts';
import { membersOf, readPinFile, type LoadedConfig, type LoadedMember } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { warningsOf } from '../../config/warnings.ts';
import { certificatesIn, judge } from '../../http/certificate.ts';
import { problemsOfConfinement } from '../../node/confinement.ts';
import { hostOf } from '../../node/tls/node-tls.ts';
import { loadTls } from '../../http/tls.ts';
import { TlsError } from '../../http/tls-error.ts';
import { isMemoryOpen, nodeProgram } from '../../node-process.ts';
import { systemReason } from '../../system-reason.ts';
import { StartError } from '../../token/host/cryptoki-error.ts';
import { modulePath, problemOfModule } from '../../token/host/module-file.ts';
import { assertNotRefused, PinRefusedBeforeError } from './refused-pins.ts';

/** What `serve --check` has found: with a problem the node would not serve, or nobody could use what it serves. */
export interface Findings {
  problems: string[];
  warnings: string[];
}

/** How long a name server may take, milliseconds. */
const lookupTimeout = 5_000;

/** Looks at what the configuration names, without serving, loading a module or trying a PIN. */
export async function checkConfiguration(config: LoadedConfig): Promise<Findings> {
  const found: Findings = { problems: [], warnings: warningsOf(config) };
  if (isMemoryOpen())
    found.warnings.push(
      `other processes of this user can read the memory of Holdfast's, and so PINs: ${nodeProgram} should be root’s and ` +
        'mode 0711, as scripts/set-up leaves it where root runs it (docs/security.md)',
    );
  found.problems.push(...problemsOfConfinement(config, process.env));
  for (const member of membersOf(config)) {
    checkModule(config, member, found);
    await checkPin(config, member, found);
  }
  checkCertificates(config, found);
  await checkNames(config, found);
  return found;
}

function checkModule(
  { file }: LoadedConfig,
  { title, module, moduleProfile }: LoadedMember,
  found: Findings,
): void {
  const where = `${file}: token "${title}"`;
  try {
    const path = modulePath({ module, profile: moduleProfile });
    const problem = problemOfModule(path);
    if (problem !== undefined) found.problems.push(`${where}: ${path} cannot be loaded: ${problem}`);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    found.problems.push(`${where}: ${error.message}; ${error.remediation}`);
  }
}

async function checkPin(config: LoadedConfig, member: LoadedMember, found: Findings): Promise<void> {
  const { title, pin } = member;
  if (pin === undefined || 'prompt' in pin) return;
  if ('credential' in pin && process.env['CREDENTIALS_DIRECTORY'] === undefined) {
    found.warnings.push(
      `${config.file}: token "${title}": its PIN is a systemd credential, which only the service itself sees: not looked at`,
    );
    return;
  }
  try {
    await assertNotRefused(config, member, readPinFile(pin));
  } catch (error) {
    if (error instanceof ConfigError) found.problems.push(...error.problems);
    else if (error instanceof PinRefusedBeforeError)
      found.problems.push(`${error.message}; hint: ${error.remediation}`);
    else throw error;
  }
}

function checkCertificates({ xks, admin }: LoadedConfig, found: Findings): void {
  const host = hostOf(admin.public_url);
  const isShared = admin.enabled && admin.tls.certificate === xks.tls.certificate;
  checkCertificate(xks.tls, isShared ? host : undefined, found);
  if (admin.enabled && !isShared) checkCertificate(admin.tls, host, found);
}

function checkCertificate(tls: LoadedConfig['xks']['tls'], host: string | undefined, found: Findings): void {
  try {
    const { problems, warnings } = judge(certificatesIn(loadTls(tls).cert), wallClock(), host);
    found.problems.push(...problems.map((problem) => `${tls.certificate}: ${problem}`));
    found.warnings.push(...warnings.map((warning) => `${tls.certificate}: ${warning}`));
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    found.problems.push(error.message);
  }
}

/** A name to listen on that does not resolve is an error; one that others resolve, or that AWS is reached by, a warning. */
async function checkNames({ file, xks, admin, aws }: LoadedConfig, found: Findings): Promise<void> {
  const names: [key: string, host: string | undefined, into: string[]][] = [
    ['xks.address', xks.address, found.problems],
    ...(admin.enabled
      ? ([
          ['admin.address', admin.address, found.problems],
          ['admin.public_url', hostOf(admin.public_url), found.warnings],
        ] as [string, string | undefined, string[]][])
      : []),
    ...Object.entries(aws.endpoints).map(([service, url]): [string, string | undefined, string[]] => [
      `aws.endpoints.${service}`,
      hostOf(url),
      found.warnings,
    ]),
    ['aws.proxy', hostOf(aws.proxy), found.warnings],
  ];
  await Promise.all(
    names.map(async ([key, host, into]) => {
      if (host === undefined || isIP(host) !== 0) return;
      const problem = await problemOfName(host);
      if (problem !== undefined)
        into.push(`${file}: ${key}: the name does not resolve on this machine (${problem})`);
    }),
  );
}

async function problemOfName(host: string): Promise<string | undefined> {
  const timeout = Promise.withResolvers<string>();
  const timer = setTimeout(() => timeout.resolve(`no answer within ${lookupTimeout} ms`), lookupTimeout);
  try {
    return await Promise.race([lookup(host).then(() => undefined), timeout.promise]);
  } catch (error) {
    return systemReason(error).words;
  } finally {
    clearTimeout(timer);
  }
}
