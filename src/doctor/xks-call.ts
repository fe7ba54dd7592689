import { randomUUID } from 'node:crypto';
import { wallClock } from '../clock.ts';
import { signRequest } from '../sigv4/sign.ts';
import type { XksCredential } from './console-file.ts';
import { authorityOf } from './connection.ts';
import type { Answer, Exchanger, Sent } from './exchange.ts';

/** Signs requests as AWS KMS does, and sends them. */
export class XksCaller {
  readonly exchanger: Exchanger;
  readonly credential: XksCredential;
  /** What to add to this machine's clock to have the node's, milliseconds. */
  clockOffset = 0;

  constructor(exchanger: Exchanger, credential: XksCredential) {
    this.exchanger = exchanger;
    this.credential = credential;
  }

  /** Signs a POST of `body` to `path`. */
  async sign(path: string, body: unknown, how: SigningChanges = {}): Promise<Sent> {
    const { accessKeyId, secret } = this.credential;
    const bytes = Buffer.from(JSON.stringify(body));
    const host = authorityOf(this.exchanger.target);
    const signed = await signRequest(
      { method: 'POST', path, host, body: bytes },
      { accessKeyId, secret: how.secret ?? secret.reveal(), region: 'us-east-1' },
      new Date(wallClock().getTime() + this.clockOffset + (how.ahead ?? 0)),
    );
    const headers = { host, 'content-type': 'application/json', 'user-agent': 'holdfast-doctor', ...signed };
    return { method: 'POST', path, headers, body: bytes };
  }

  /** Calls `<uriPath>/<operation>`. Throws ConnectionFailure. */
  async call(operation: string, body: object, how: SigningChanges = {}): Promise<Answer> {
    const { uriPath = this.credential.uriPath, timeout } = how;
    return this.exchanger.send(await this.sign(`${uriPath}/${operation}`, body, how), timeout);
  }

  async health(how: SigningChanges = {}): Promise<Answer> {
    return this.call('health', { requestMetadata: metadataOf('KmsHealthCheck', false) }, how);
  }
}

interface SigningChanges {
  /** Sign with another secret. */
  secret?: string;
  /** Sign so many milliseconds later, or earlier, than now. */
  ahead?: number;
  /** Another path than the console file's. */
  uriPath?: string;
  /** Milliseconds, where it is not the target's. */
  timeout?: number;
}

/** What AWS KMS says of its caller. The request id tells the doctor's requests from AWS's in the node's log. */
export function metadataOf(kmsOperation: string, ofKey = true): Record<string, string> {
  const of = { kmsOperation, kmsRequestId: `holdfast-doctor-${randomUUID()}` };
  return ofKey
    ? {
        ...of,
        awsPrincipalArn: 'arn:aws:iam::000000000000:role/holdfast-doctor',
        kmsKeyArn: 'arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000',
      }
    : of;
}

/** The spec's name of the error that was answered; undefined where the answer is none of the XKS API. */
export function errorNameOf({ json }: Answer): string | undefined {
  const name =
    typeof json === 'object' && json !== null ? (json as Record<string, unknown>)['errorName'] : undefined;
  return typeof name === 'string' && /^[A-Za-z]{1,64}$/.test(name) ? name : undefined;
}

/** `404 KeyNotFoundException`, or what kind of answer it is: never its text, which anybody may have written. */
export function told(answer: Answer): string {
  const name = errorNameOf(answer);
  if (name !== undefined) return `${answer.status} ${name}`;
  if (answer.json !== undefined) return `${answer.status} with JSON that is not of the XKS API`;
  const type = (answer.headers['content-type'] ?? '').split(';', 1)[0] ?? '';
  return `${answer.status} with ${/^[a-z]+\/[a-z0-9.+-]+$/i.test(type) ? type : 'no JSON'}`;
}

/** Why an answer breaks the rules that hold for each (XKS spec, API content type, Error codes); undefined where none. */
export function breach(answer: Answer): string | undefined {
  const { status, headers, json } = answer;
  if (!/^application\/json[ \t]*(;|$)/i.test((headers['content-type'] ?? '').trim()))
    return 'its Content-Type is not application/json';
  if (typeof json !== 'object' || json === null) return 'its body is not a JSON object';
  if (status === 200) return undefined;
  const { errorMessage: message } = json as Record<string, unknown>;
  if (errorNameOf(answer) === undefined) return 'it has no errorName';
  if (message !== undefined && !(typeof message === 'string' && /^[\x20-\x7e]{0,511}$/.test(message)))
    return 'its errorMessage is longer than 511 characters or not printable ASCII';
  return undefined;
}

/** The text of a field of a JSON answer. */
export function textField({ json }: Answer, name: string): string | undefined {
  const value =
    typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}
