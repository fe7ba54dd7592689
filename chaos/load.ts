import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  encryptBody,
  requestMetadata,
  versionOf,
  XksClient,
  type KeySetAccess,
  type XksResponse,
} from '../testing/xks-client.ts';
import type { RequestEntry } from './history.ts';
import type { History } from './recorder.ts';

interface Made {
  plaintext: Buffer;
  aad: Buffer;
  fields: Record<string, string>;
}

/** Of each key so many ciphertexts are kept; then each new one takes the place of some other. */
const kept = 200;

/** AWS gives up after 250 ms; what comes later is of interest here. */
const patience = 5_000;

/** Encrypts and decrypts as AWS KMS sends them, each connection one at a time, under keys that may be disabled just now. */
export class Load {
  readonly #clients: XksClient[];
  readonly #history: History;
  readonly #keys: string[] = [];
  readonly #made = new Map<string, Made[]>();
  readonly #loops: Promise<void>[] = [];
  readonly #every: number;
  #running = false;

  constructor(
    port: number,
    access: KeySetAccess,
    history: History,
    { ca, connections, every }: { ca: string; connections: number; every: number },
  ) {
    this.#history = history;
    this.#every = every;
    this.#clients = Array.from(
      { length: connections },
      () => new XksClient(port, access, { ca, maxSockets: 1, timeout: patience }),
    );
  }

  add(externalKeyId: string): void {
    this.#keys.push(externalKeyId);
  }

  start(): void {
    this.#running = true;
    for (const client of this.#clients) this.#loops.push(this.#loop(client));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops.splice(0));
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  /** Each key encrypts once more, and what was kept is decrypted: all must succeed, as soon as AWS repeats it often enough. */
  async checkAll(): Promise<void> {
    const work = this.#keys.flatMap((key) => [
      { key, made: undefined },
      ...(this.#made.get(key) ?? []).map((made) => ({ key, made })),
    ]);
    let next = 0;
    await Promise.all(
      this.#clients.map(async (client) => {
        for (let one = work[next++]; one !== undefined; one = work[next++]) {
          const { key, made } = one;
          for (let tries = 20; ; tries--) {
            const result = await (made === undefined
              ? this.#encrypt(client, key, tries === 1)
              : this.#decrypt(client, key, made, tries === 1));
            if (result === 'success' || tries === 1) break;
            await delay(100);
          }
        }
      }),
    );
  }

  async #loop(client: XksClient): Promise<void> {
    while (this.#running) {
      const key = this.#keys[randomInt(this.#keys.length)] ?? '';
      const made = this.#made.get(key);
      if (made === undefined || randomInt(2) === 0) await this.#encrypt(client, key);
      else await this.#decrypt(client, key, made[randomInt(made.length)] as Made);
      await delay(randomInt(2 * this.#every + 1));
    }
  }

  async #encrypt(client: XksClient, key: string, final = false): Promise<string> {
    const [plaintext, aad] = [randomBytes(32), randomBytes(16)];
    const body = encryptBody(plaintext, { aad, cdiv: true });
    return this.#send(client, { kind: 'encrypt', key, final }, body, (fields) => {
      this.#keep(key, { plaintext, aad, fields });
      return { iv: fields['initializationVector'] ?? '', version: versionOf(fields) ?? 0 };
    });
  }

  async #decrypt(client: XksClient, key: string, made: Made, final = false): Promise<string> {
    const { ciphertextDataIntegrityValue: _, ...fields } = made.fields;
    const body = {
      requestMetadata: requestMetadata('Decrypt'),
      encryptionAlgorithm: 'AES_GCM',
      ...fields,
      additionalAuthenticatedData: made.aad.toString('base64'),
    };
    return this.#send(client, { kind: 'decrypt', key, final }, body, ({ plaintext }) => ({
      right: plaintext === made.plaintext.toString('base64'),
    }));
  }

  async #send(
    client: XksClient,
    { kind, key, final }: { kind: RequestEntry['kind']; key: string; final: boolean },
    body: unknown,
    seen: (body: Record<string, string>) => Partial<RequestEntry>,
  ): Promise<string> {
    const request = await client.sign(`${client.access.uriPath}/keys/${key}/${kind}`, body);
    const began = this.#history.now();
    let answer: XksResponse | undefined;
    try {
      answer = await client.send(request);
    } catch {
      // The connection ended, or nothing came.
    }
    const ended = this.#history.now();
    const status = answer?.status ?? 0;
    const answered = (answer?.body ?? {}) as Record<string, string>;
    const result = resultOf(status, answered['errorName']);
    this.#history.add({
      ...{ type: 'request', kind, key, began, ended, status, result },
      ...(status === 200 ? seen(answered) : {}),
      ...(final ? { final } : {}),
    });
    return result;
  }

  #keep(key: string, made: Made): void {
    const all = this.#made.get(key) ?? [];
    this.#made.set(key, all);
    if (all.length < kept) all.push(made);
    else all[randomInt(kept)] = made;
  }
}

function resultOf(status: number, errorName: string | undefined): string {
  if (status === 200) return 'success';
  return status === 0 ? 'no answer' : (errorName ?? String(status));
}
