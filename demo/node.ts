import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { makeCertificates, makeToken, tokenLabel, writeSafely } from '../src/cli/node/quickstart-parts.ts';

const command = path.resolve(import.meta.dirname, '../bin/holdfast');

/** The name under which the stand-in for AWS knows the proxy. */
export const proxyName = 'xks.holdfast.example';

export interface AwsPlace {
  /** Where its KMS, IAM and STS answer. */
  url: string;
  /** PEM. */
  ca: string;
}

/** A whole Holdfast of its own in a directory: a SoftHSM token, certificates, a store, `holdfast serve`. */
export class DemoNode {
  readonly directory: string;
  readonly ca: string;
  xksPort = 0;
  /** Of the vault, once it is there. */
  signInUrl = '';
  #endpoint = '';
  #child: ChildProcess | undefined;
  readonly #config: string;
  readonly #answerWithin: number;
  readonly #violations: string[] = [];

  /** `answerWithin` milliseconds an XKS request is answered. */
  constructor(directory: string, answerWithin: number) {
    this.#answerWithin = answerWithin;
    this.directory = directory;
    this.ca = path.join(directory, 'files', 'ca.pem');
    this.#config = path.join(directory, 'holdfast.toml');
  }

  /** Makes everything; the ports are the system's choice. */
  async prepare(password: string): Promise<void> {
    const files = path.join(this.directory, 'files');
    mkdirSync(files, { mode: 0o700 });
    await makeToken(this.directory);
    await makeCertificates(this.directory, files, proxyName);
    writeSafely(path.join(files, 'admin.password'), password);
  }

  /** Serves; AWS is where `aws` says. Resolves when the node is ready. */
  async serve(aws: AwsPlace): Promise<void> {
    writeSafely(path.join(this.directory, 'aws-ca.pem'), aws.ca);
    writeSafely(
      this.#config,
      `[node]
state_directory = "state"
[xks]
address = "127.0.0.1"
port = 0
drain_ms = 0
answer_within_ms = ${this.#answerWithin}
[xks.tls]
certificate = "tls/server.pem"
key = "tls/server-key.pem"
[admin]
port = 0
[aws]
endpoints = { kms = "${aws.url}", iam = "${aws.url}", sts = "${aws.url}" }
ca = "aws-ca.pem"
[[token]]
name = "softhsm"
profile = "softhsm2"
label = "${tokenLabel}"
pin = { file = "pin" }
environment = { SOFTHSM2_CONF = ${JSON.stringify(path.join(this.directory, 'softhsm2.conf'))} }
`,
    );
    await this.command('--config', this.#config, 'init', '--password-file', this.#file('admin.password'));
    // Whatever becomes of the demo, its node does not outlive it.
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', command, '--config', this.#config, 'serve'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#environment(),
    });
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    let last = '';
    child.once('exit', (code) => ready.reject(new Error(`holdfast serve ended (${code}): ${last}`)));
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        last = line;
        if (/"level":"(?:warn|error)"/.test(line)) this.#violations.push(line);
        const ports = /^holdfast ready on port (\d+), management on port (\d+)/.exec(line);
        if (ports === null) return;
        this.xksPort = Number(ports[1]);
        this.#endpoint = `https://localhost:${ports[2]}`;
        ready.resolve();
      });
    await ready.promise;
  }

  /** Runs `holdfast …` as an operator would; resolves with what it prints. */
  async command(...words: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(command, words, { env: this.#environment(), cwd: this.directory }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`holdfast ${words.join(' ')}\n${stderr.trim()}`));
      });
    });
  }

  /** What `holdfast --json …` prints, parsed. */
  async json<T>(...words: string[]): Promise<T> {
    return JSON.parse(await this.command('--json', ...words)) as T;
  }

  /** Where people look at it, and files with the passwords of the two who may. */
  get console(): { vault: string; appliance: string; ca: string; passwords: { ada: string; admin: string } } {
    return {
      vault: this.signInUrl,
      appliance: `${this.#endpoint}/`,
      ca: this.ca,
      passwords: { ada: this.#file('ada.password'), admin: this.#file('admin.password') },
    };
  }

  /** Resolves when the node is no more. */
  get ended(): Promise<unknown> {
    return this.#child === undefined ? Promise.resolve() : once(this.#child, 'close');
  }

  /** What the node's log warned of, the last few lines. */
  get violations(): readonly string[] {
    return this.#violations.slice(-5);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'close');
    child.kill('SIGTERM');
    await exited;
  }

  #file(name: string): string {
    return path.join(this.directory, 'files', name);
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      LANG: process.env['LANG'],
      HOME: this.directory,
      XDG_CONFIG_HOME: path.join(this.directory, 'profiles'),
      XDG_STATE_HOME: path.join(this.directory, 'profiles'),
      SOFTHSM2_CONF: path.join(this.directory, 'softhsm2.conf'),
      HOLDFAST_NODE: process.execPath,
      HOLDFAST_CA: this.ca,
      ...(this.#endpoint === '' ? {} : { HOLDFAST_ENDPOINT: this.#endpoint }),
    };
  }
}
