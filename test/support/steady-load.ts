import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { CoreWaits } from './core-waits.ts';
import type { TestNode } from '../../testing/test-node.ts';
import { encryptBody, requestMetadata, type KeySetAccess, type XksClient } from '../../testing/xks-client.ts';

/** One answer of the node to one request of the load. */
export interface Answer {
  kind: 'encrypt' | 'decrypt';
  status: number;
  errorName: string | undefined;
  /** By the client's clock, milliseconds; connection set-up is not in it. */
  took: number;
  /** performance.now() at sending. */
  sent: number;
  kmsRequestId: string;
  /** Its place in {@link SteadyLoad.clients}. */
  connection: number;
}

interface Made {
  plaintext: Buffer;
  aad: Buffer;
  fields: Record<string, string>;
}

export interface LoadOptions {
  connections?: number;
  /** Time between the requests of one connection, milliseconds; 0 for as fast as it goes. */
  every?: number;
}

/**
 * A steady load of encrypts with CDIV and decrypts, half and half, each connection with one request at a time. Every
 * plaintext that comes back is compared, and every ciphertext is kept for {@link SteadyLoad.checkCiphertexts}.
 */
export class SteadyLoad {
  readonly answers: Answer[] = [];
  /** What was answered with 200 and the wrong bytes, or not answered at all. */
  readonly wrong: string[] = [];
  /** A client for each connection: which worker it talks to stays the same. */
  readonly clients: XksClient[];
  readonly #key: string;
  readonly #every: number;
  readonly #made: Made[] = [];
  readonly #loops: Promise<void>[] = [];
  #running = false;

  constructor(node: Pick<TestNode, 'client'>, access: KeySetAccess, key: string, options: LoadOptions = {}) {
    this.#key = key;
    this.#every = options.every ?? 40;
    this.clients = Array.from({ length: options.connections ?? 16 }, () =>
      node.client(access, { maxSockets: 1 }),
    );
  }

  /** Opens the connections, so that both workers know the credential, and starts. */
  async start(): Promise<void> {
    await Promise.all(this.clients.map(async (client) => this.#request(client, true)));
    this.answers.length = 0;
    this.#running = true;
    for (const client of this.clients) this.#loops.push(this.#loop(client));
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops.splice(0));
  }

  /** Decrypts every ciphertext that was ever answered and compares. Resolves with how many there were. */
  async checkCiphertexts(): Promise<number> {
    let next = 0;
    await Promise.all(
      this.clients.map(async (client) => {
        for (let made = this.#made[next++]; made !== undefined; made = this.#made[next++]) {
          let answer = await client.decrypt(this.#key, made.fields, { aad: made.aad });
          // As KMS does; a busy machine may need it.
          for (let again = 0; again < 5 && retryable.has(answer.body?.errorName); again++)
            answer = await client.decrypt(this.#key, made.fields, { aad: made.aad });
          const plaintext = Buffer.from(String(answer.body?.plaintext), 'base64');
          if (answer.status !== 200 || !plaintext.equals(made.plaintext))
            this.wrong.push(`a ciphertext of the load does not decrypt: ${answer.status} ${answer.text}`);
        }
      }),
    );
    return this.#made.length;
  }

  /** Answers sent at `since` or later. */
  since(since: number): Answer[] {
    return this.answers.filter(({ sent }) => sent >= since);
  }

  close(): void {
    this.#running = false;
    for (const client of this.clients) client.close();
  }

  async #loop(client: XksClient): Promise<void> {
    // The connections do not beat in step.
    await delay(randomInt(this.#every + 1));
    while (this.#running) {
      const next = performance.now() + this.#every;
      try {
        await this.#request(client, randomInt(2) === 0);
      } catch (error) {
        this.wrong.push(`no answer: ${(error as Error).message}`);
      }
      await delay(Math.max(0, next - performance.now()));
    }
  }

  async #request(client: XksClient, encrypts: boolean): Promise<void> {
    const source = this.#made[randomInt(Math.max(1, this.#made.length))];
    if (encrypts || source === undefined) await this.#encrypt(client);
    else await this.#decrypt(client, source);
  }

  async #encrypt(client: XksClient): Promise<void> {
    const [plaintext, aad] = [randomBytes(32), randomBytes(24)];
    const body = encryptBody(plaintext, { aad, cdiv: true });
    const answered = await this.#send(client, 'encrypt', body);
    if (answered.status === 200) this.#made.push({ plaintext, aad, fields: answered.body });
  }

  async #decrypt(client: XksClient, { plaintext, aad, fields }: Made): Promise<void> {
    const { ciphertextDataIntegrityValue: _, ...rest } = fields;
    const answered = await this.#send(client, 'decrypt', {
      requestMetadata: requestMetadata('Decrypt'),
      encryptionAlgorithm: 'AES_GCM',
      ...rest,
      additionalAuthenticatedData: aad.toString('base64'),
    });
    if (answered.status !== 200) return;
    if (!Buffer.from(answered.body.plaintext, 'base64').equals(plaintext))
      this.wrong.push('a decrypt was answered with other bytes');
  }

  async #send(
    client: XksClient,
    kind: Answer['kind'],
    body: Record<string, unknown>,
  ): ReturnType<XksClient['send']> {
    const request = await client.sign(`${client.access.uriPath}/keys/${this.#key}/${kind}`, body);
    const sent = performance.now();
    const answered = await client.send(request);
    this.answers.push({
      kind,
      status: answered.status,
      errorName: answered.status === 200 ? undefined : String(answered.body?.errorName),
      took: answered.took,
      sent,
      connection: this.clients.indexOf(client),
      kmsRequestId: (body['requestMetadata'] as Record<string, string>)['kmsRequestId'] ?? '',
    });
    return answered;
  }
}

/** Answers that a good request never gets while the trouble is ours (promise 3). */
export const neverOurTrouble = new Set(['InvalidCiphertextException', 'KeyNotFoundException']);
/** KMS tries these again (XKS spec, Error codes; field notes, part 1). */
export const retryable = new Set(['ThrottlingException', 'InternalException', 'DependencyTimeoutException']);

/** When KMS has its answer at the latest, milliseconds (issue 2). */
export const answerLimit = 240;

/** Answers that took longer than the limit and longer than the machine kept our processes waiting for a core. */
export function lateAnswers(
  waits: CoreWaits,
  answers: readonly Pick<Answer, 'sent' | 'took'>[],
): { took: number; waited: number }[] {
  return answers
    .filter(({ took }) => took > answerLimit)
    .map(({ sent, took }) => ({ took, waited: waits.between(sent, sent + took) }))
    .filter(({ took, waited }) => took - waited > answerLimit);
}

/** How a load fared. */
export interface Fared {
  answers: number;
  /** As {@link lateAnswers} judges it. */
  late: number;
  /** Of the time of all connections the part that was spent waiting for late answers: a standstill has few of them. */
  stood: number;
  /** Not answered with 200. */
  failed: number;
}

export function fared(waits: CoreWaits, answers: readonly Answer[]): Fared {
  const late = lateAnswers(waits, answers);
  const from = Math.min(...answers.map(({ sent }) => sent));
  const to = Math.max(...answers.map(({ sent, took }) => sent + took));
  const connections = new Set(answers.map(({ connection }) => connection)).size;
  return {
    answers: answers.length,
    late: late.length,
    stood: late.reduce((sum, { took, waited }) => sum + took - waited, 0) / ((to - from) * connections),
    failed: answers.filter(({ status }) => status !== 200).length,
  };
}

/**
 * What is wrong with how a load fared while something was out of order; undefined where it was as good as undisturbed. One
 * answer in twenty may be late or retryable that was not before, and a tenth of the time so spent: the machine is shared.
 */
export function hindered(before: Fared, during: Fared): string | undefined {
  const spared = during.answers / 20;
  const isWell =
    during.failed <= spared &&
    during.late <= during.answers * (before.late / before.answers) + spared &&
    during.stood <= before.stood + 1 / 10;
  return isWell ? undefined : `before: ${JSON.stringify(before)}; meanwhile: ${JSON.stringify(during)}`;
}

/** Whether an answer spent a good part of its time waiting for a core: then a timeout tells of the machine, not of us. */
export function wasStarved(waits: CoreWaits, { sent, took }: Pick<Answer, 'sent' | 'took'>): boolean {
  return waits.between(sent, sent + took) > answerLimit / 4;
}

/** Waits until something holds that no event tells of. */
export async function waitUntil(
  holds: () => boolean | Promise<boolean>,
  timeout = 60_000,
  interval = 20,
): Promise<void> {
  const until = performance.now() + timeout;
  while (!(await holds())) {
    if (performance.now() > until) throw new Error(`did not come: ${holds.toString()}`);
    await delay(interval);
  }
}

/** The p-th part (0 to 1) of `values`, milliseconds with one decimal. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? 0) * 10) / 10;
}
