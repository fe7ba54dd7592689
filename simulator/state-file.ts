import { existsSync, readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import type { Accounts, SimulatedAccount } from './accounts.ts';
import type { Service } from './service.ts';

interface Saved {
  readonly version: 1;
  readonly accounts: readonly SimulatedAccount[];
  readonly services: Readonly<Record<string, unknown>>;
}

const SAVE_AFTER_MS = 200;

/** Keeps what accounts and services have in one JSON file, written to the side and renamed, at most five times a second. */
export class StateFile {
  readonly #file: string;
  readonly #accounts: Accounts;
  readonly #services: readonly Service[];
  readonly #log: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: string, accounts: Accounts, services: readonly Service[], log: (line: string) => void) {
    this.#file = file;
    this.#accounts = accounts;
    this.#services = services;
    this.#log = log;
  }

  /** Before the first call. A file of another form is refused, never overwritten. */
  load(): void {
    if (!existsSync(this.#file)) return;
    let saved: Saved;
    try {
      saved = JSON.parse(readFileSync(this.#file, 'utf8')) as Saved;
    } catch {
      throw new Error('The state file is not JSON; move it away to start empty');
    }
    if (saved.version !== 1)
      throw new Error('The state file is of another version; move it away to start empty');
    for (const account of saved.accounts) this.#accounts.account(account.id, account);
    for (const service of this.#services) {
      const state = saved.services[service.name];
      if (state !== undefined) service.load?.(state);
    }
  }

  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#write();
    }, SAVE_AFTER_MS).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = this.#writeAfter(this.#writing);
    await this.#writing;
  }

  async #writeAfter(before: Promise<void>): Promise<void> {
    await before;
    const saved: Saved = {
      version: 1,
      accounts: this.#accounts.all(),
      services: Object.fromEntries(this.#services.map((service) => [service.name, service.save?.()])),
    };
    try {
      await writeFile(`${this.#file}.new`, JSON.stringify(saved), { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
    } catch (error) {
      this.#log(`The state file cannot be written: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
    }
  }
}
