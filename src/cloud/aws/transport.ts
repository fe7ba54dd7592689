import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { STSClient } from '@aws-sdk/client-sts';
import type { Logger } from '../../log.ts';
import { checkFips } from './partitions.ts';
import type { Credentials } from './role-session.ts';
import type { AwsSettings } from './settings.ts';

/** Connections to one endpoint at once; what is more waits for its turn. */
const maxSockets = 16;
const connectTimeout = 5_000;

/** What every client of the SDK is made with, and the connections that they share. */
export class Transport {
  readonly settings: AwsSettings;
  readonly #https: HttpsAgent;
  readonly #http: HttpAgent;
  readonly #logger: SdkLogger;
  readonly #closing = new AbortController();

  constructor(settings: AwsSettings, log: Logger) {
    this.settings = settings;
    this.#logger = loggerFor(log);
    const { caCertificates, proxy, noProxy } = settings;
    const common = {
      keepAlive: true,
      maxSockets: maxSockets,
      maxTotalSockets: 4 * maxSockets,
      maxFreeSockets: 4,
      // Only what the configuration says: Node and the SDK would else read HTTPS_PROXY and its like.
      ...(proxy === undefined ? {} : { proxyEnv: proxyOf(proxy, noProxy) }),
    };
    this.#https = new HttpsAgent({
      ...common,
      minVersion: 'TLSv1.2',
      ...(caCertificates === undefined ? {} : { ca: caCertificates }),
    });
    // For endpoints on the loopback alone: the configuration takes no other without TLS.
    this.#http = new HttpAgent(common);
  }

  /**
   * Everything is said that the SDK would otherwise look up in AWS_… variables and in ~/.aws: nobody who can set those
   * can send requests elsewhere, or have them signed by another. Throws AwsError `invalid` where there is no FIPS endpoint.
   */
  options(service: keyof AwsSettings['endpoints'], region: string, fips: boolean) {
    const { endpoints, maxAttempts, requestTimeoutMs, version } = this.settings;
    const endpoint = endpoints[service];
    const useFips = this.usesFips(service, fips);
    if (useFips) checkFips(service, region);
    return {
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      ignoreConfiguredEndpointUrls: true,
      useFipsEndpoint: useFips,
      useDualstackEndpoint: false,
      defaultsMode: 'standard' as const,
      authSchemePreference: [],
      maxAttempts,
      retryMode: 'standard' as const,
      disableClockSkewCorrection: false,
      userAgentAppId: async () => undefined,
      customUserAgent: [['holdfast', version]] as [string, string][],
      logger: this.#logger,
      requestHandler: {
        httpsAgent: this.#https,
        httpAgent: this.#http,
        connectionTimeout: connectTimeout,
        requestTimeout: requestTimeoutMs,
        throwOnRequestTimeout: true,
        logger: this.#logger,
      },
    };
  }

  /** An endpoint that is told is as strict as whoever told it wants; the SDK refuses both together. */
  usesFips(service: keyof AwsSettings['endpoints'], fips: boolean): boolean {
    return this.settings.endpoints[service] === undefined && (fips || this.settings.fips);
  }

  /** Without credentials it signs with the node's own. */
  async sts(
    region: string,
    fips: boolean,
    credentials: (() => Promise<Credentials>) | undefined,
  ): Promise<STSClient> {
    const { STSClient } = await import('@aws-sdk/client-sts');
    return new STSClient({
      ...this.options('sts', region, fips),
      ...(credentials === undefined ? {} : { credentials }),
    });
  }

  /** Told once nothing more is to be sent. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort();
    this.#https.destroy();
    this.#http.destroy();
  }
}

function proxyOf(proxy: string, noProxy: string | undefined) {
  // The loopback is never another's.
  const without = ['localhost', '127.0.0.1', ...(noProxy === undefined ? [] : [noProxy])].join(',');
  return { HTTPS_PROXY: proxy, HTTP_PROXY: proxy, NO_PROXY: without };
}

type SdkLogger = Record<'trace' | 'debug' | 'info' | 'warn' | 'error', (content: unknown) => void>;

/** The SDK offers input and output of every call; only which call it was and how it ended is taken. */
function loggerFor(log: Logger): SdkLogger {
  const tell = (content: unknown) => {
    if (typeof content !== 'object' || content === null || !('commandName' in content)) return;
    const { clientName, commandName, metadata, error } = content as SdkEntry;
    const { requestId, attempts, httpStatusCode } = metadata ?? error?.$metadata ?? {};
    const facts = {
      client: clientName,
      command: commandName,
      status: httpStatusCode,
      awsRequestId: requestId,
      attempts,
    };
    if (error === undefined) log.debug(facts, 'AWS was called');
    else log.info({ ...facts, error: error.name }, 'AWS refused or was not reached');
  };
  const nothing = () => undefined;
  return { trace: nothing, debug: nothing, info: tell, warn: nothing, error: tell };
}

interface Metadata {
  requestId?: string;
  attempts?: number;
  httpStatusCode?: number;
}

interface SdkEntry {
  clientName?: string;
  commandName?: string;
  metadata?: Metadata;
  error?: { name?: string; $metadata?: Metadata };
}
