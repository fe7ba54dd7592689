import type { TestCa } from './certificates.ts';
import type { NodeFiles } from './node-files.ts';
import type { KeyUsage, NodeVault } from './node-vault.ts';
import { XksClient, type KeySetAccess } from './xks-client.ts';

export interface LogLine {
  level: string;
  msg: string;
  [name: string]: unknown;
}

/** A node that serves AWS: its files, its port, what it says, and acts on its vault. */
export abstract class ServedNode {
  readonly directory: string;
  readonly config: string;
  readonly ca: TestCa;
  /** CA of client certificates, where mutual TLS is on. */
  readonly clientCa: TestCa;
  readonly tls: { certificate: string; key: string };
  port = 0;
  /** Everything it ever printed. */
  output = '';
  readonly #lines: LogLine[] = [];

  constructor({ directory, config, ca, clientCa, tls }: NodeFiles) {
    this.directory = directory;
    this.config = config;
    this.ca = ca;
    this.clientCa = clientCa;
    this.tls = tls;
  }

  /** Runs acts on the node's vault as the management process would, beside whatever the node is doing. */
  abstract withVault<T>(run: (vault: NodeVault) => Promise<T>): Promise<T>;

  /** The same for acts that need no token. */
  abstract withStore<T>(run: (vault: NodeVault) => Promise<T>): Promise<T>;

  /** Process ids of its token hosts. */
  abstract hostPids(): number[];

  /** Ends it and removes its files. */
  abstract dispose(): Promise<void>;

  /** Takes note of a line that it printed. */
  protected printed(line: string): void {
    this.output += `${line}\n`;
    if (line.startsWith('{')) this.#lines.push(JSON.parse(line) as LogLine);
  }

  /** Log lines so far, of the supervisor and all workers. */
  get log(): readonly LogLine[] {
    return this.#lines;
  }

  /** Waits for a log line, also one that has come already. */
  async waitForLog(matches: (line: LogLine) => boolean, timeout = 60_000): Promise<LogLine> {
    const until = Date.now() + timeout;
    for (;;) {
      const line = this.#lines.find(matches);
      if (line !== undefined) return line;
      if (Date.now() > until)
        throw new Error(`no such log line; the last: ${JSON.stringify(this.#lines.slice(-5))}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** A key set with a credential. */
  async makeKeySet(name: string, options: { token?: string; prefix?: string } = {}): Promise<KeySetAccess> {
    return this.withVault(async (vault) => {
      await vault.makeKeySet(name, options);
      return vault.issueCredential(name);
    });
  }

  async issueCredential(keySet: string): Promise<KeySetAccess> {
    return this.withVault(async (vault) => vault.issueCredential(keySet));
  }

  /** Makes a CloudKey and gives its external key id. */
  async makeKey(keySet: string, name: string, usage: KeyUsage = 'encrypt-decrypt'): Promise<string> {
    return this.withVault(async (vault) => vault.makeKey(keySet, name, usage));
  }

  client(
    access: KeySetAccess,
    tls: { certificate?: string; key?: string; maxSockets?: number } = {},
  ): XksClient {
    return new XksClient(this.port, access, { ca: this.ca.certificate, ...tls });
  }
}
