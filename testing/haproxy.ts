import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface HaproxyOptions {
  /** Where its configuration is written. */
  directory: string;
  /** Of the frontend, on loopback. */
  port: number;
  /** XKS ports of the nodes, on loopback. */
  nodes: readonly number[];
  /** PEM file with the CAs of the nodes. */
  ca: string;
  /** Address that it connects from; whichever the kernel takes unless given. */
  source?: string;
  /** Between two health checks, milliseconds; that of the example unless given. */
  interval?: number;
  /** PEM files of its own certificate, where TLS ends at it and begins again, patiently. Without, it passes TCP through. */
  tls?: { certificate: string; key: string };
}

/** A real HAProxy with an example of packaging/, in front of nodes on this machine. It ends with this process. */
export class Haproxy {
  readonly port: number;
  /** Names of the nodes that its health checks find well. */
  readonly up = new Set<string>();
  readonly #file: string;
  readonly #nodes: number;
  #child: ChildProcess;

  private constructor({ port, nodes }: HaproxyOptions, file: string) {
    this.port = port;
    this.#nodes = nodes.length;
    this.#file = file;
    this.#child = this.#spawn();
  }

  /** Resolves once all nodes are found well. */
  static async start(options: HaproxyOptions): Promise<Haproxy> {
    const file = path.join(options.directory, exampleOf(options));
    await writeFile(file, await configuration(options));
    const haproxy = new Haproxy(options, file);
    await haproxy.sees(options.nodes.length);
    return haproxy;
  }

  /** Killed, with all connections, and there again after so many milliseconds; resolves once all nodes are found well. */
  async restart(after: number): Promise<void> {
    await this.stop();
    await delay(after);
    this.up.clear();
    this.#child = this.#spawn();
    await this.sees(this.#nodes);
  }

  /** Until so many nodes are found well. */
  async sees(nodes: number): Promise<void> {
    while (this.up.size !== nodes) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error('haproxy has ended');
      await delay(20);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await ended;
  }

  #spawn(): ChildProcess {
    // It may not be in the PATH of a user.
    const PATH = `${process.env['PATH']}:/usr/local/sbin:/usr/sbin`;
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'haproxy', '-db', '-f', this.#file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH },
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (said: string) => this.#hear(said));
    return child;
  }

  #hear(said: string): void {
    for (const [, name = '', state] of said.matchAll(
      /Health check for server xks-nodes\/(\S+) (?:succeeded|failed).*?status: \d+\/\d+ (UP|DOWN)/g,
    ))
      if (state === 'UP') this.up.add(name);
      else this.up.delete(name);
  }
}

function exampleOf({ tls }: HaproxyOptions): string {
  return tls === undefined ? 'haproxy.cfg' : 'haproxy-tls.cfg';
}

/** The example, with these ports and with its health checks in its log. */
async function configuration(options: HaproxyOptions): Promise<string> {
  const { directory, port, nodes, ca, source, interval, tls } = options;
  const example = await readFile(new URL(`../packaging/${exampleOf(options)}`, import.meta.url), 'utf8');
  const pem = path.join(directory, 'xks.pem');
  if (tls !== undefined)
    await writeFile(
      pem,
      (await Promise.all([tls.certificate, tls.key].map(async (file) => readFile(file)))).join('\n'),
      { mode: 0o600 },
    );
  // Each request needs a node that is found well, and on a busy machine TLS and answers take longer than in production.
  const patient =
    tls === undefined
      ? example
      : example
          .replace('timeout connect 1s', 'timeout connect 30s\n    timeout check 30s')
          .replace('fall 2', 'fall 100')
          .replace('timeout server 5s', 'timeout server 90s');
  return patient
    .replace('bind :443', `bind 127.0.0.1:${port}`)
    .replace('/etc/haproxy/xks.pem', pem)
    .replace(
      /(?: {4}server .*\n)+/,
      nodes.map((node, index) => `    server node-${index + 1} 127.0.0.1:${node}\n`).join(''),
    )
    .replace('/etc/haproxy/holdfast-ca.pem', source === undefined ? ca : `${ca} source ${source}`)
    .replace('inter 1s', interval === undefined ? 'inter 1s' : `inter ${interval}`)
    .replace('global\n', 'global\n    log stdout format raw local0\n')
    .replace('defaults\n', 'defaults\n    log global\n    option log-health-checks\n');
}
