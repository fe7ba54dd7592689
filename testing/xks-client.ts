import { createHash, createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest } from 'node:https';
import { SignatureV4 } from '@smithy/signature-v4';

/** What the client needs to call one key set. */
export interface KeySetAccess {
  /** `XksProxyUriPath`. */
  uriPath: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface XksResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  // The tests look into it field by field.
  // oxlint-disable-next-line typescript/no-explicit-any -- parsed JSON of unknown shape
  body: any;
  text: string;
  /** From sending to the whole answer, milliseconds. */
  took: number;
}

export interface SignedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer;
}

class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {
    throw new Error('the signer makes a new hash each time');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}

/** Calls the proxy as AWS KMS does: signed with the AWS SDK's own signer, over TLS with the CA checked, kept alive. */
export class XksClient {
  readonly port: number;
  readonly access: KeySetAccess;
  readonly agent: Agent;
  /** After so many milliseconds of silence a request has no answer; never unless set. */
  readonly timeout: number | undefined;
  /** This machine unless given. */
  readonly #host: string | undefined;

  constructor(
    port: number,
    access: KeySetAccess,
    tls: {
      ca: string;
      certificate?: string;
      key?: string;
      maxSockets?: number;
      timeout?: number;
      host?: string;
      /** Address that it connects from. */
      source?: string;
    },
  ) {
    this.port = port;
    this.#host = tls.host;
    this.timeout = tls.timeout;
    this.access = access;
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: tls.maxSockets ?? 64,
      ca: readFileSync(tls.ca),
      ...(tls.source === undefined ? {} : { localAddress: tls.source }),
      ...(tls.certificate === undefined ? {} : { cert: readFileSync(tls.certificate) }),
      ...(tls.key === undefined ? {} : { key: readFileSync(tls.key) }),
    });
  }

  /** Signs without sending; `date` for clocks that are wrong. */
  async sign(
    path: string,
    body: unknown,
    options: { method?: string; headers?: Record<string, string>; date?: Date } = {},
  ): Promise<SignedRequest> {
    const bytes = Buffer.isBuffer(body)
      ? body
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const signer = new SignatureV4({
      service: 'kms-xks-proxy',
      region: 'us-east-1',
      credentials: { accessKeyId: this.access.accessKeyId, secretAccessKey: this.access.secretAccessKey },
      sha256: Sha256,
      applyChecksum: false,
      uriEscapePath: false,
    });
    const method = options.method ?? 'POST';
    const signed = await signer.sign(
      {
        method,
        protocol: 'https:',
        hostname: this.#host ?? 'localhost',
        path,
        query: {},
        headers: {
          host: `${this.#host ?? 'localhost'}:${this.port}`,
          'content-type': 'application/json',
          ...options.headers,
        },
        body: bytes,
      },
      options.date === undefined ? {} : { signingDate: options.date },
    );
    return { method, path, headers: signed.headers, body: bytes };
  }

  async send({ method, path, headers, body }: SignedRequest): Promise<XksResponse> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const request = httpsRequest(
        {
          host: this.#host ?? '127.0.0.1',
          servername: this.#host ?? 'localhost',
          port: this.port,
          method,
          path,
          headers: { ...headers, 'content-length': body.length },
          agent: this.agent,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              body: parse(text),
              took: performance.now() - began,
            });
          });
        },
      );
      request.on('error', reject);
      if (this.timeout !== undefined)
        request.setTimeout(this.timeout, () => request.destroy(new Error('no answer in time')));
      request.end(body);
    });
  }

  /** Signs and sends a POST to `<uriPath>/<operation>`. */
  async post(
    operation: string,
    body: unknown,
    options: Parameters<XksClient['sign']>[2] = {},
  ): Promise<XksResponse> {
    return this.send(await this.sign(`${this.access.uriPath}/${operation}`, body, options));
  }

  async health(): Promise<XksResponse> {
    return this.post('health', {
      requestMetadata: { kmsOperation: 'KmsHealthCheck', kmsRequestId: randomUUID() },
    });
  }

  async metadata(keyId: string): Promise<XksResponse> {
    return this.post(`keys/${keyId}/metadata`, { requestMetadata: requestMetadata('DescribeKey') });
  }

  async encrypt(
    keyId: string,
    plaintext: Uint8Array | string,
    options: { aad?: Uint8Array | string; cdiv?: boolean } = {},
  ): Promise<XksResponse> {
    return this.post(`keys/${keyId}/encrypt`, encryptBody(plaintext, options));
  }

  /** Decrypts what `encrypt` answered; `changes` replaces fields of the request. */
  async decrypt(
    keyId: string,
    encrypted: Record<string, string>,
    options: { aad?: Uint8Array | string; changes?: Record<string, unknown> } = {},
  ): Promise<XksResponse> {
    const { ciphertextDataIntegrityValue: _, ...fields } = encrypted;
    return this.post(`keys/${keyId}/decrypt`, {
      requestMetadata: requestMetadata('Decrypt'),
      encryptionAlgorithm: 'AES_GCM',
      ...fields,
      ...(options.aad === undefined ? {} : { additionalAuthenticatedData: base64(options.aad) }),
      ...options.changes,
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/**
 * AWS KMS tries again when the proxy was late. For nodes that have production's times and share their machine with other
 * tests; a test node has others (`NodeOptions.realTimes`).
 */
export class PatientClient extends XksClient {
  override async send(request: SignedRequest): Promise<XksResponse> {
    for (let tries = 1; ; tries++) {
      const response = await super.send(request);
      if (response.status !== 503 || tries === 20) return response;
    }
  }
}

export function requestMetadata(kmsOperation: string): Record<string, string> {
  return {
    awsPrincipalArn: 'arn:aws:iam::123456789012:user/Alice',
    kmsKeyArn: 'arn:aws:kms:us-east-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    kmsOperation,
    kmsRequestId: randomUUID(),
    kmsViaService: 'ebs',
  };
}

export function encryptBody(
  plaintext: Uint8Array | string,
  options: { aad?: Uint8Array | string; cdiv?: boolean } = {},
): Record<string, unknown> {
  return {
    requestMetadata: requestMetadata('Encrypt'),
    plaintext: base64(plaintext),
    encryptionAlgorithm: 'AES_GCM',
    ...(options.aad === undefined ? {} : { additionalAuthenticatedData: base64(options.aad) }),
    ...(options.cdiv === true ? { ciphertextDataIntegrityValueAlgorithm: 'SHA_256' } : {}),
  };
}

function base64(data: Uint8Array | string): string {
  return Buffer.from(data as Uint8Array).toString('base64');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The version in our ciphertextMetadata: format, flags, version (src/xks/ciphertext-metadata.ts). */
export function versionOf(body: { ciphertextMetadata?: string } | undefined): number | undefined {
  return body?.ciphertextMetadata === undefined
    ? undefined
    : Buffer.from(body.ciphertextMetadata, 'base64').readUInt32BE(2);
}
