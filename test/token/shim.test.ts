import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { utimes } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import test from 'ava';
import { buildShim, Shim, type Rule } from '../support/shim.ts';
import type { Answer, Request } from '../support/shim/client.ts';
import { createSoftHsmToken, type TokenFixture } from '../support/tokens.ts';

const client = path.join(import.meta.dirname, '../support/shim/client.ts');

/** A process with the shim loaded, a session open and a key in hand, that does what it is told, line by line. */
class Process {
  readonly #child;
  readonly #lines;
  stderr = '';

  constructor(shim: Shim, token: TokenFixture) {
    this.#child = spawn(process.execPath, [client, shim.module, token.label, token.pin], {
      env: { ...process.env, ...token.environment, ...shim.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get exit(): Promise<[number | null, string | null]> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return Promise.resolve([exitCode, signalCode]);
    return once(this.#child, 'exit') as Promise<[number | null, string | null]>;
  }

  async ask(request: Request): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the process ended: ${this.stderr}`);
    return JSON.parse(line.value) as Answer;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exit;
  }
}
