import { isIP } from 'node:net';
import type { LoadedConfig } from '../config/load.ts';
import type { XksCredential } from './console-file.ts';
import { DoctorInputError } from './input-error.ts';

/** What to look at. What is left out is not looked at, and its findings say SKIPPED. */
export interface DoctorOptions {
  /** Where AWS KMS would go. */
  endpoint?: Endpoint | undefined;
  /** Go here instead, whatever DNS says: before DNS is switched over, or past a load balancer. */
  connect?: Address | undefined;
  credential?: XksCredential | undefined;
  /** External key ids to encrypt and decrypt with. */
  keys?: readonly string[] | undefined;
  /** Certificates of CAs, PEM, to trust in place of AWS's list: for private tests. */
  ca?: string | undefined;
  /** For mutual TLS, PEM. */
  client?: { certificate: string; key: string } | undefined;
  /** The endpoint is the private DNS name of a VPC endpoint service. */
  vpc?: boolean | undefined;
  /** For each exchange, milliseconds. */
  timeout?: number | undefined;
  load?: { rate: number; seconds: number } | undefined;
  /** Name server to ask instead of the machine's: address, with a port or without. */
  nameServer?: string | undefined;
  node?: NodeOptions | undefined;
  /** A backup of the store, or a directory of them. */
  backup?: string | undefined;
}

/** What only the node itself can tell. */
export interface NodeOptions {
  /** The configuration, or what is wrong with it. */
  config: LoadedConfig | { problems: readonly string[] };
  /** Verifies each token through the management API, as whoever is signed in. */
  verifyTokens?: (() => Promise<TokenVerdict[] | { notAsked: string; remediation: string }>) | undefined;
}

export interface TokenVerdict {
  name: string;
  ok: boolean;
  /** What was found, or what failed. */
  detail: string;
  remediation: string | undefined;
}

export interface Endpoint {
  host: string;
  port: number;
}

export interface Address {
  address: string;
  port: number;
}

/** Reads `https://host[:port]`. Throws DoctorInputError. */
export function parseXksEndpoint(text: string): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url?.protocol === 'https:' &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === '';
  if (url === undefined || !plain || url.hostname === '')
    throw new DoctorInputError(
      'the endpoint is not of the form https://HOST or https://HOST:PORT',
      'use the value of XksProxyUriEndpoint in KMS; the path is in the console file',
    );
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 443 : Number(url.port),
  };
}

/** Reads `ADDRESS` or `ADDRESS:PORT`, IPv6 addresses in brackets. Throws DoctorInputError. */
export function parseAddress(text: string, defaultPort: number): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? '';
  const number = port === undefined ? defaultPort : Number(port);
  if (isIP(address) === 0 || number < 1 || number > 65535)
    throw new DoctorInputError('this is not an IP address, with or without a port', 'such as 192.0.2.7:443');
  return { address, port: number };
}
