import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { XksClient, type KeySetAccess, type XksResponse } from '../../testing/xks-client.ts';

/** Before KMS sends a request again, milliseconds: at once it might meet the same node, which is just dying. */
const beforeRepeat = 100;

export interface Outcome {
  /** Answered with success at the first try. */
  first: number;
  /** Answered with success when they were sent again, once, as KMS does. */
  repeated: number;
  /** What the others got, and how often. */
  failed: Record<string, number>;
}

/** Sends what AWS KMS sends, over so many connections at once; one that failed is sent again once, as KMS does. */
export class Kms {
  readonly #clients: XksClient[];

  constructor(port: number, access: KeySetAccess, ca: string, connections: number) {
    this.#clients = Array.from(
      { length: connections },
      () => new XksClient(port, access, { ca, maxSockets: 1 }),
    );
  }

  /** Encrypts `times` times on each connection, or for as long as `going` says so. */
  async encrypt(key: string, going: number | (() => boolean)): Promise<Outcome> {
    const outcome: Outcome = { first: 0, repeated: 0, failed: {} };
    await Promise.all(
      this.#clients.map(async (client) => {
        for (let sent = 0; typeof going === 'number' ? sent < going : going(); sent++)
          await tally(outcome, async () => client.encrypt(key, randomBytes(32)));
      }),
    );
    return outcome;
  }

  /** Encrypts `plaintext` over one connection, and decrypts the answer over each of the others; throws unless all is right. */
  async roundTrip(key: string, plaintext: Buffer): Promise<number> {
    const [first, ...others] = this.#clients;
    const made = await first?.encrypt(key, plaintext, { cdiv: true });
    if (made?.status !== 200) throw new Error(`Encrypt: ${made?.status} ${made?.text}`);
    for (const client of others) {
      const opened = await client.decrypt(key, made.body as Record<string, string>);
      if (opened.status !== 200) throw new Error(`Decrypt: ${opened.status} ${opened.text}`);
      if (opened.body.plaintext !== plaintext.toString('base64'))
        throw new Error('Decrypt: another plaintext than was encrypted');
    }
    return others.length;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

async function tally(outcome: Outcome, send: () => Promise<XksResponse>): Promise<void> {
  const first = await result(send);
  if (first === 'success') outcome.first += 1;
  // No answer, 429, 500 and 503 are what KMS repeats (XKS spec, Error codes).
  else if (/^(?:no answer|429|500|503)/.test(first)) {
    await delay(beforeRepeat);
    const second = await result(send);
    if (second === 'success') outcome.repeated += 1;
    else outcome.failed[second] = (outcome.failed[second] ?? 0) + 1;
  } else outcome.failed[first] = (outcome.failed[first] ?? 0) + 1;
}

async function result(send: () => Promise<XksResponse>): Promise<string> {
  try {
    const { status, body } = await send();
    return status === 200 ? 'success' : `${status} ${body?.errorName}`;
  } catch (error) {
    return `no answer: ${(error as Error).message}`;
  }
}
