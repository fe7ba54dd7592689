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

/** Where requests go in. */
export interface Door {
  /** On loopback. */
  port: number;
  /** Address that they come from. */
  source?: string;
  /** Of who answers them. */
  life?: () => number | undefined;
}

/** Of each key so many ciphertexts are kept; then each new one takes the place of some other. */
const kept = 200;

/** AWS gives up after 250 ms; what comes later is of interest here. */
const patience = 5_000;

/** Once the last fault is mended all must succeed again within so many milliseconds, on a busy machine too. */
const recovery = 60_000;

/** Encrypts and decrypts as AWS KMS sends them, each connection one at a time, under keys that may be disabled just now. */
export class Load {
  readonly #clients: XksClient[];
  readonly #lifeOf: (client: XksClient) => number | undefined;
  readonly #history: History;
  readonly #keys: string[] = [];
  readonly #made = new Map<string, Made[]>();
  readonly #loops: Promise<void>[] = [];
  readonly #every: number;
  #running = false;

  constructor(
    doors: readonly Door[],
    access: KeySetAccess,
    history: History,
    { ca, connections, every }: { ca: string; connections: number; every: number },
  ) {
    this.#history = history;
    this.#every = every;
    const byClient = new Map<XksClient, Door>();
    for (let i = 0; i < connections; i++) {
      const door = doors[i % doors.length];
      if (door === undefined) throw new Error('there is no way in');
      const { port, source } = door;
      const tls = { ca, maxSockets: 1, timeout: patience, ...(source === undefined ? {} : { source }) };
      byClient.set(new XksClient(port, access, tls), door);
    }
    this.#clients = [...byClient.keys()];
    this.#lifeOf = (client) => byClient.get(client)?.life?.();
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
    const until = this.#history.now() + recovery;
    let next = 0;
    await Promise.all(
      this.#clients.map(async (client) => {
        for (let one = work[next++]; one !== undefined; one = work[next++]) {
          const { key, made } = one;
          for (let isLast = false; ; await delay(100)) {
            const result = await (made === undefined
              ? this.#encrypt(client, key, isLast)
              : this.#decrypt(client, key, made, isLast));
            if (result === 'success' || isLast) break;
            isLast = this.#history.now() > until;
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
    const life = this.#lifeOf(client);
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
      ...(life !== undefined && life === this.#lifeOf(client) ? { life } : {}),
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
