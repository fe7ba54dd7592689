import {
  openAnswer,
  readDecrypted,
  readEncrypted,
  readHealth,
  readMetadata,
  type EncryptAnswer,
  type HealthAnswer,
  type MetadataAnswer,
  type XksOperation,
} from './answers.ts';
import type { Route } from './connection.ts';
import { ConnectionPool } from './pool.ts';
import { signPost } from './signer.ts';
import { XksFailure, type ProxyErrorName, type XksFault } from './xks-failure.ts';

/** A proxy as a key store knows it. */
export interface XksProxy {
  /** The endpoint's host name. */
  readonly host: string;
  /** `/prefix/kms/xks/v1`. */
  readonly uriPath: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

/** XKS spec, Appendix B. Health checks have only the first two. */
export interface RequestMetadata {
  readonly kmsOperation: string;
  readonly kmsRequestId: string;
  readonly awsPrincipalArn?: string | undefined;
  readonly kmsKeyArn?: string | undefined;
  readonly kmsViaService?: string | undefined;
  readonly awsSourceVpc?: string | undefined;
  readonly awsSourceVpce?: string | undefined;
}

/** One request that was sent, or tried to be; a retry is a second one. */
export interface XksAttempt {
  readonly at: Date;
  readonly host: string;
  readonly uriPath: string;
  readonly operation: XksOperation;
  readonly metadata: RequestMetadata;
  /** 1, or 2 for the retry. */
  readonly attempt: number;
  readonly tookMs: number;
  readonly fault?: XksFault;
  readonly errorName?: ProxyErrorName;
  /** What the simulator saw; never anything of a body. */
  readonly detail?: string;
  readonly protocol?: 'h2' | 'http/1.1';
  readonly tls?: { readonly version: string; readonly cipher: string };
  readonly freshConnection?: boolean;
}

export interface XksClientSettings {
  readonly routeTo: (host: string, region: string) => Route;
  /** AWS: 250. It begins anew with the retry (developer guide, monitoring: two attempts take 500). */
  readonly timeoutMs: number;
  /** The clock that signs. */
  readonly now: () => Date;
  readonly onAttempt: (attempt: XksAttempt) => void;
}

/** AWS's side of the XKS proxy API. All four operations throw {@link XksFailure}. */
export class XksClient {
  readonly #settings: XksClientSettings;
  readonly #pool: ConnectionPool;

  constructor(settings: XksClientSettings) {
    this.#settings = settings;
    this.#pool = new ConnectionPool(settings.routeTo);
  }

  /** Fails with `unavailable` when no key manager can work (developer guide, XKS_PROXY_NOT_REACHABLE). */
  async health(proxy: XksProxy, metadata: RequestMetadata): Promise<HealthAnswer> {
    const health = await this.#call(proxy, 'health', '/health', metadata, {}, readHealth);
    if (health.ekmFleetDetails.every(({ healthStatus }) => healthStatus === 'UNAVAILABLE'))
      throw new XksFailure('unavailable', 'the proxy says that all its key managers are UNAVAILABLE');
    return health;
  }

  async keyMetadata(proxy: XksProxy, keyId: string, metadata: RequestMetadata): Promise<MetadataAnswer> {
    return this.#call(proxy, 'metadata', `/keys/${keyId}/metadata`, metadata, {}, readMetadata);
  }

  /** An empty `aad` is left out of the request. */
  async encrypt(
    proxy: XksProxy,
    keyId: string,
    metadata: RequestMetadata,
    { plaintext, aad }: { plaintext: Buffer; aad: Buffer },
  ): Promise<EncryptAnswer> {
    const body = {
      ...aadField(aad),
      plaintext: plaintext.toString('base64'),
      encryptionAlgorithm: 'AES_GCM',
      ciphertextDataIntegrityValueAlgorithm: 'SHA_256',
    };
    return this.#call(proxy, 'encrypt', `/keys/${keyId}/encrypt`, metadata, body, (fields) =>
      readEncrypted(fields, plaintext.length, aad),
    );
  }

  async decrypt(
    proxy: XksProxy,
    keyId: string,
    metadata: RequestMetadata,
    { ciphertext, metadata: ciphertextMetadata, iv, tag, aad }: EncryptAnswer & { aad: Buffer },
  ): Promise<Buffer> {
    const body = {
      ...aadField(aad),
      encryptionAlgorithm: 'AES_GCM',
      ciphertext: ciphertext.toString('base64'),
      ...(ciphertextMetadata.length === 0
        ? {}
        : { ciphertextMetadata: ciphertextMetadata.toString('base64') }),
      initializationVector: iv.toString('base64'),
      authenticationTag: tag.toString('base64'),
    };
    return this.#call(proxy, 'decrypt', `/keys/${keyId}/decrypt`, metadata, body, (fields) =>
      readDecrypted(fields, ciphertext.length),
    );
  }

  close(): void {
    this.#pool.close();
  }

  /** Ends the connections that are open: the next requests find the proxy anew. */
  dropConnections(): void {
    this.#pool.drop();
  }

  // oxlint-disable-next-line max-params -- what one request is made of
  async #call<T>(
    proxy: XksProxy,
    operation: XksOperation,
    path: string,
    metadata: RequestMetadata,
    fields: Readonly<Record<string, string>>,
    read: (fields: Readonly<Record<string, unknown>>) => T,
  ): Promise<T> {
    const body = Buffer.from(JSON.stringify({ requestMetadata: metadata, ...fields }));
    const request = { proxy, operation, path: proxy.uriPath + path, metadata, body };
    try {
      return await this.#attempt(request, 1, read);
    } catch (error) {
      if (!(error instanceof XksFailure) || !error.retryable) throw error;
      return this.#attempt(request, 2, read);
    }
  }

  async #attempt<T>(
    { proxy, operation, path, metadata, body }: Request,
    attempt: number,
    read: (fields: Readonly<Record<string, unknown>>) => T,
  ): Promise<T> {
    const at = this.#settings.now();
    const began = performance.now();
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), this.#settings.timeoutMs);
    const record = (more: Partial<XksAttempt>) => {
      const { host, uriPath } = proxy;
      const tookMs = performance.now() - began;
      this.#settings.onAttempt({ at, host, uriPath, operation, metadata, attempt, tookMs, ...more });
    };
    let seen: Partial<XksAttempt> = {};
    try {
      const headers = {
        'content-type': 'application/json',
        ...signPost(proxy, { host: proxy.host, path, body, at }),
      };
      const { answer, over, fresh } = await this.#pool.post(
        { host: proxy.host, region: proxy.region, path, headers, body },
        limit.signal,
      );
      seen = { protocol: over.protocol, tls: over.tls, freshConnection: fresh };
      const result = read(openAnswer(operation, answer));
      record(seen);
      return result;
    } catch (error) {
      if (error instanceof XksFailure) {
        const { fault, errorName, message } = error;
        record({ ...seen, fault, detail: message, ...(errorName === undefined ? {} : { errorName }) });
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

interface Request {
  readonly proxy: XksProxy;
  readonly operation: XksOperation;
  readonly path: string;
  readonly metadata: RequestMetadata;
  readonly body: Buffer;
}

function aadField(aad: Buffer): { additionalAuthenticatedData?: string } {
  return aad.length === 0 ? {} : { additionalAuthenticatedData: aad.toString('base64') };
}
