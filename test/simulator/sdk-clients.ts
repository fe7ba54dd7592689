import { createHash, createHmac } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Simulator } from '../../simulator/simulator.ts';

export interface TestCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Settings with which each of AWS's SDK clients talks to the simulator. One attempt: what is refused shows at once. */
export function clientSettings(simulator: Simulator, credentials: TestCredentials, region = 'eu-west-1') {
  return {
    ...{ region, endpoint: simulator.url, maxAttempts: 1 },
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
    },
    requestHandler: { httpsAgent: new Agent({ ca: simulator.ca, keepAlive: true, maxSockets: 8 }) },
  };
}

/** A request as AWS's own signer makes it, to be changed before it is sent. */
export interface SignedRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: string;
}

export class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

export async function sign(
  simulator: Simulator,
  credentials: TestCredentials,
  service: string,
  request: Partial<SignedRequest>,
  options: { at?: Date; region?: string } = {},
): Promise<SignedRequest> {
  const signer = new SignatureV4({
    ...{ service, region: options.region ?? 'eu-west-1', credentials, sha256: Sha256 },
    applyChecksum: service === 's3',
    uriEscapePath: service !== 's3',
  });
  const { host, hostname, port } = new URL(simulator.url);
  const unsigned = {
    ...{ method: 'POST', path: '/', query: {}, body: '', protocol: 'https:', hostname, port: Number(port) },
    ...request,
    headers: { host, ...request.headers },
  };
  const signed = await signer.sign(unsigned, { signingDate: options.at ?? new Date() });
  return {
    method: unsigned.method,
    path: unsigned.path,
    query: unsigned.query,
    headers: signed.headers,
    body: unsigned.body,
  };
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Sends it as it is: nothing is signed, added or put right. */
export async function send(simulator: Simulator, signed: SignedRequest): Promise<Answer> {
  const query = new URLSearchParams(signed.query).toString().replaceAll('+', '%20');
  const { hostname, port } = new URL(simulator.url);
  return await new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        ...{ hostname, port, method: signed.method, headers: signed.headers, ca: simulator.ca, agent: false },
        path: query === '' ? signed.path : `${signed.path}?${query}`,
        setHost: false,
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(signed.body);
  });
}

/** The name under which the SDK throws, and the HTTP status. */
export async function failure(
  work: Promise<unknown>,
): Promise<{ name: string; status: number; message: string }> {
  try {
    await work;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { name, status: $metadata?.httpStatusCode ?? 0, message };
  }
  return { name: 'none', status: 200, message: '' };
}
