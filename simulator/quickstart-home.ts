import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { CommandError, writeAside } from './command-files.ts';

/** The name under which the simulator reaches a quickstart: AWS KMS takes no `localhost`. In its certificate too. */
export const quickstartHost = 'xks.holdfast.test';

/** The home of `make up`, with which a simulator works together. */
export interface QuickstartHome {
  directory: string;
  /** Port of its XKS proxy. */
  xksPort: string;
}

/** As `make up` reads it: HOLDFAST_HOME and HOLDFAST_XKS_PORT. Throws CommandError. */
export function quickstartHome(environment: NodeJS.ProcessEnv): QuickstartHome {
  const { HOLDFAST_HOME: home = '', HOLDFAST_XKS_PORT: port = '' } = environment;
  if (!/^(?:\d{1,5})?$/.test(port) || Number(port) > 65_535)
    throw new CommandError('HOLDFAST_XKS_PORT: is not a port number');
  return { directory: path.resolve(home === '' ? '.holdfast' : home), xksPort: port === '' ? '8443' : port };
}

/** The CA of its certificate; undefined until `make up` has made it. */
export function caOf({ directory }: QuickstartHome): string | undefined {
  const file = path.join(directory, 'tls', 'ca.pem');
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Tells `make up`, from its next start on, that AWS is the simulator; the answer takes it back. */
export function announce({ directory }: QuickstartHome, url: string, ca: string): () => void {
  const file = path.join(directory, 'conf.d', 'aws-simulator.toml');
  const lines = [
    '# Written by holdfast-simulator --quickstart, and taken away when it ends.',
    '[aws]',
    `ca = ${JSON.stringify(ca)}`,
    '[aws.endpoints]',
    ...['kms', 'iam', 'sts'].map((service) => `${service} = ${JSON.stringify(url)}`),
  ];
  writeAside(file, `${lines.join('\n')}\n`, 0o600);
  return () => rmSync(file, { force: true });
}
