import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { testCas, type TestCas } from './certificates.ts';
import { memoryDirectory } from './memory-directory.ts';
import type { Shim } from './shim.ts';
import type { TokenFixture } from './tokens.ts';

export interface TestToken {
  fixture: TokenFixture;
  /** Puts the fault shim between the token host and the token. */
  shim?: Shim;
  /** Name in the configuration; `token` unless given. */
  name?: string;
  /** Another profile than the fixture's. */
  profile?: string;
  /** More lines of the token's TOML table, such as `hosts = 4`. */
  settings?: Record<string, string | number>;
}

export interface NodeOptions {
  tokens: TestToken[];
  workers?: number;
  /**
   * The times that production has: an answer within 220 ms, a host sick after 80 ms. Only for tests about time, which
   * have the machine for themselves. Without it the node waits: what is asked on a busy machine is answered late, and
   * not with DependencyTimeoutException.
   */
  realTimes?: boolean;
  /** More lines of the [node] table. */
  node?: Record<string, string | number>;
  /** Lines of the [log] table. */
  log?: Record<string, string | number>;
  /** More lines of the [xks] and [xks.tls] tables. */
  xks?: Record<string, string | number | string[]>;
  mutualTls?: { subjects: string[] };
  /** Names of its server certificate, the first of them as common name; `localhost` unless given. */
  hostNames?: readonly [string, ...string[]];
  /** Lines of the [store] table. */
  store?: Record<string, string | number>;
  /** Run `holdfast init`; true unless given. */
  init?: boolean;
  /** Serve the management API too, or only with these lines of the [admin] table; no unless given. */
  admin?: boolean | Record<string, string | number>;
}

/** What a node needs before its store and its tokens. */
export interface NodeFiles extends TestCas {
  directory: string;
  /** The configuration file. */
  config: string;
}

/** A directory of its own with configuration and certificates. */
export async function writeNodeFiles(options: NodeOptions): Promise<NodeFiles> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-node-'));
  await mkdir(path.join(directory, 'tls'), { mode: 0o700 });
  const cas = await testCas(path.join(directory, 'tls'));
  if (options.hostNames !== undefined)
    cas.tls = await cas.ca.issue(options.hostNames[0], { dnsNames: [...options.hostNames] });
  const config = path.join(directory, 'holdfast.toml');
  await writeFile(config, configText(options, cas), { mode: 0o600 });
  return { directory, config, ...cas };
}

/** Longer than anything that a busy machine makes of what is asked of it; see {@link NodeOptions.realTimes}. */
const patient = {
  xks: { answer_within_ms: 30_000 },
  token: { start_timeout_ms: 60_000, sick_after_ms: 20_000, kill_after_ms: 40_000 },
};

function configText(options: NodeOptions, { tls, clientCa }: TestCas): string {
  const times = options.realTimes === true ? { xks: {}, token: {} } : patient;
  const table = (values: Record<string, unknown>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} = ${toml(value)}`)
      .join('\n');
  const tokens = options.tokens.map(({ fixture, shim, name, profile, settings }) =>
    table({
      name: name ?? 'token',
      profile: profile ?? fixture.profile,
      label: fixture.label,
      module: shim?.module ?? fixture.module,
      pin: { file: fixture.pinFile },
      environment: { ...fixture.environment, ...shim?.environment },
      ...(fixture.initializeParameters === undefined
        ? {}
        : { initialize_parameters: fixture.initializeParameters }),
      ...times.token,
      ...settings,
    }),
  );
  return [
    `[node]\n${table({ state_directory: 'state', ...options.node })}`,
    `[xks]\n${table({ address: '127.0.0.1', port: 0, workers: options.workers ?? 1, drain_ms: 0, ...times.xks, ...options.xks })}`,
    `[xks.tls]\n${table({
      ...tls,
      ...(options.mutualTls === undefined
        ? {}
        : { client_ca: clientCa.certificate, client_subjects: options.mutualTls.subjects }),
    })}`,
    `[admin]\n${table({
      enabled: options.admin !== undefined && options.admin !== false,
      port: 0,
      ...(typeof options.admin === 'object' ? options.admin : {}),
    })}`,
    ...(options.store === undefined ? [] : [`[store]\n${table(options.store)}`]),
    ...(options.log === undefined ? [] : [`[log]\n${table(options.log)}`]),
    ...tokens.map((token) => `[[token]]\n${token}`),
  ].join('\n\n');
}

function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${name} = ${toml(inner)}`)
      .join(', ')} }`;
  return JSON.stringify(value);
}
