import { Random } from '../../testing/random.ts';
import { encryptBody, requestMetadata, type XksClient } from '../../testing/xks-client.ts';

/** What is sent, and what may come back. */
export interface Malformed {
  /** For the report. */
  kind: string;
  bytes: Buffer;
  /** The answer may be no JSON: load balancers' paths. */
  plain?: boolean;
  isHead?: boolean;
  /** A connection of its own: the server closes after it, or must not be made to wait on it. */
  alone?: boolean;
  /** HTTP/2 by ALPN. */
  http2?: boolean;
}

/** What malformed requests are made of. */
class Chance extends Random {
  below(limit: number): number {
    return this.between(0, limit - 1);
  }

  /** Of nothing undefined, which makes a request as malformed as any. */
  override pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) bytes[at] = this.below(256);
    return bytes;
  }

  text(length: number, alphabet = 'abcXYZ019-_.~%/\\?#[]@:;=&+ "\'<>{}'): string {
    return Array.from({ length }, () => alphabet[this.below(alphabet.length)]).join('');
  }
}

/** Makes malformed requests, most of them with a good signature, so that they get as far as they can. */
export class MalformedRequests {
  readonly #chance: Chance;
  readonly #client: XksClient;
  readonly #key: string;
  readonly #encrypted: Record<string, string>;

  constructor(seed: number, client: XksClient, key: string, encrypted: Record<string, string>) {
    this.#chance = new Chance(seed);
    this.#client = client;
    this.#key = key;
    this.#encrypted = encrypted;
  }

  async next(): Promise<Malformed> {
    const roll = this.#chance.below(1000);
    if (roll < 15)
      return { kind: 'bytes', bytes: this.#chance.bytes(1 + this.#chance.below(3000)), alone: true };
    if (roll < 20) return this.#http2();
    if (roll < 60) return this.#brokenHead();
    if (roll < 65) return this.#flood();
    if (roll < 72) return this.#oversized();
    if (roll < 80) return this.#truncated();
    if (roll < 180) return this.#strangePath();
    if (roll < 300) return this.#strangeHeaders();
    return this.#strangeBody();
  }

  #http2(): Malformed {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const bytes = Buffer.concat([
      ...(this.#chance.below(4) === 0 ? [] : [preface]),
      ...(this.#chance.below(2) === 0 ? [] : [settings]),
      ...Array.from({ length: this.#chance.below(5) }, () => {
        const payload = this.#chance.bytes(this.#chance.below(64));
        const head = Buffer.from([
          0,
          0,
          payload.length,
          this.#chance.below(12),
          this.#chance.below(256),
          0,
          0,
          0,
          1,
        ]);
        return Buffer.concat([head, payload]);
      }),
      this.#chance.bytes(this.#chance.below(200)),
    ]);
    return { kind: 'http/2', bytes, alone: true, http2: true };
  }

  #brokenHead(): Malformed {
    const c = this.#chance;
    const host = `Host: localhost:${this.#client.port}\r\n`;
    const target = `${this.#client.access.uriPath}/keys/${this.#key}/encrypt`;
    const head = c.pick([
      `POST ${target} HTTP/1.1\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcde`,
      `POST ${target} HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Transfer-Encoding: ${c.text(6)}\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n`,
      `POST ${target} HTTP/9.9\r\n${host}\r\n`,
      `POST ${target}\r\n\r\n`,
      `${c.text(8, 'ABCDEFGHIJ')} ${target} HTTP/1.1\r\n${host}\r\n`,
      `POST  ${target} HTTP/1.1\r\n${host}\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}${c.text(10)}\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}X-A: a\0b\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}X-A: ${c.bytes(20).toString('latin1')}\r\n\r\n`,
      `POST ${target} HTTP/1.1\n${host}\n\n`,
      `POST ${target} HTTP/1.1\r\n${host} folded: value\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}${host}\r\n`,
      `CONNECT localhost:443 HTTP/1.1\r\n${host}\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Expect: ${c.text(5, 'abc')}\r\nContent-Length: 0\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 0\r\n\r\n`,
      `GET ${target} HTTP/1.1\r\n${host}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      `POST ${target} HTTP/1.1\r\n${host}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nContent-Length: 0\r\n\r\n`,
      `POST * HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`,
      `OPTIONS * HTTP/1.1\r\n${host}\r\n`,
    ]);
    return { kind: 'broken head', bytes: Buffer.from(head, 'latin1'), alone: true };
  }

  #flood(): Malformed {
    const c = this.#chance;
    const many = c.below(2) === 0;
    const headers = many
      ? Array.from({ length: 200 + c.below(3000) }, (_, index) => `X-${index}: ${c.below(10)}`)
      : [`X-Long: ${'a'.repeat(8_000 + c.below(64_000))}`];
    return {
      kind: 'header flood',
      bytes: this.#head('POST', `${this.#client.access.uriPath}/health`, headers, Buffer.from('{}')),
      alone: true,
    };
  }

  #oversized(): Malformed {
    const length = 128 * 1024 + 1 + this.#chance.below(300_000);
    return {
      kind: 'oversized body',
      bytes: this.#head(
        'POST',
        `${this.#client.access.uriPath}/keys/${this.#key}/encrypt`,
        [],
        Buffer.alloc(length, 97),
      ),
      alone: true,
    };
  }

  /** Ends in the middle of its body; the client then closes. */
  async #truncated(): Promise<Malformed> {
    const signed = await this.#signed('encrypt', JSON.stringify(encryptBody('a')));
    return {
      kind: 'truncated body',
      bytes: signed.subarray(0, signed.length - 1 - this.#chance.below(300)),
      alone: true,
    };
  }

  async #strangePath(): Promise<Malformed> {
    const c = this.#chance;
    const { uriPath } = this.#client.access;
    const path = c.pick([
      () => `/${c.text(c.below(40), 'abcXYZ019-_.~%/')}`,
      () =>
        `${uriPath}/keys/${c.text(1 + c.below(200), 'abcXYZ019-_.~%')}/${c.pick(['encrypt', 'decrypt', 'metadata'])}`,
      () => `${uriPath}/keys/${this.#key}/${c.text(8, 'abcdef')}`,
      () => `${uriPath}/keys/${this.#key}/../${this.#key}/encrypt`,
      () => `${uriPath}//keys/${this.#key}/encrypt`,
      () => `${uriPath}/keys/%2e%2e/encrypt`,
      () => `${uriPath}/keys/${this.#key}/encrypt?${c.text(20, 'abc=&%20')}`,
      () => `${uriPath}/keys/${this.#key}%00/encrypt`,
      () => `${uriPath}/keys/${'a'.repeat(250)}/encrypt`,
      () => `/kms/xks/v1/keys/${this.#key}/encrypt`,
      () => `/${c.text(9, 'abc')}/kms/xks/v1/health`,
      () => `https://localhost/${c.text(5, 'ab[]:')}`,
      () => `http://[${c.text(5, 'ab:')}`,
      () => `//${c.text(10, 'ab@:[]')}`,
      () => '/ready',
      () => '/ping/',
      () => `/%${c.text(2, 'gz%')}`,
    ])();
    const method = c.pick([
      'POST',
      'POST',
      'POST',
      'GET',
      'PUT',
      'DELETE',
      'HEAD',
      'OPTIONS',
      'PATCH',
      'TRACE',
    ]);
    const bytes = await this.#signedAt(method, path, JSON.stringify(encryptBody('a')));
    return {
      kind: 'strange path',
      bytes,
      isHead: method === 'HEAD',
      plain: /^\/+(ready|ping)?\/?([?#].*)?$/i.test(path),
    };
  }

  async #strangeHeaders(): Promise<Malformed> {
    const c = this.#chance;
    const path = `${this.#client.access.uriPath}/keys/${this.#key}/encrypt`;
    const body = Buffer.from(JSON.stringify(encryptBody('a')));
    const signed = await this.#client.sign(path, body);
    const headers = Object.entries(signed.headers);
    const at = c.below(headers.length);
    const [name = '', value = ''] = headers[at] ?? [];
    const flipped = () => {
      const spot = c.below(value.length);
      return `${value.slice(0, spot)}${c.text(1, 'abcXYZ019-_.~%/=,; ')}${value.slice(spot + 1)}`;
    };
    const changed = c.pick([
      () => headers.toSpliced(at, 1, [name, flipped()]),
      () => headers.toSpliced(at, 1, [name, value.slice(0, c.below(value.length))]),
      () => headers.toSpliced(at, 1, [name, '']),
      () => headers.toSpliced(at, 1),
      () => [...headers, [name, value] as [string, string]],
      () =>
        headers.toSpliced(at, 1, [
          name,
          Buffer.from(c.bytes(c.below(60)).map((byte) => (byte < 32 || byte === 127 ? 32 : byte))).toString(
            'latin1',
          ),
        ]),
      () => [...headers, [c.text(5, 'abc-'), c.text(50, 'abc =,;')] as [string, string]],
      () =>
        headers.map(
          ([n, v]) =>
            [n, n === 'authorization' ? v.replaceAll(/[;,=]/g, c.pick([';', ',', '=', ''])) : v] as [
              string,
              string,
            ],
        ),
      () =>
        headers.map(([n, v]) => [n, n === 'content-type' ? c.text(12, 'abc/;= ') : v] as [string, string]),
      () =>
        headers.map(([n, v]) => [n, n === 'x-amz-date' ? c.text(16, '0123456789TZ') : v] as [string, string]),
    ])();
    const lines = changed.map(([n, v]) => `${n}: ${v}`);
    return {
      kind: 'strange headers',
      bytes: Buffer.concat([this.#lines('POST', path, lines, body.length), body]),
    };
  }

  async #strangeBody(): Promise<Malformed> {
    const c = this.#chance;
    const operation = c.pick(['encrypt', 'decrypt', 'decrypt', 'metadata', 'health']);
    const good = this.#goodBody(operation);
    const text = c.pick([
      () => JSON.stringify(this.#changeField(good)),
      () => JSON.stringify(this.#changeField(good)),
      () => JSON.stringify(this.#changeField(this.#changeField(good))),
      () => this.#brokenText(JSON.stringify(good)),
      () => this.#brokenText(JSON.stringify(good)),
      () => this.#strangeJson(),
    ])();
    const bytes =
      operation === 'health'
        ? await this.#signedAt('POST', `${this.#client.access.uriPath}/health`, text)
        : await this.#signed(operation, text);
    return { kind: `strange ${operation} body`, bytes };
  }

  #goodBody(operation: string): Record<string, unknown> {
    const c = this.#chance;
    const metadata = { requestMetadata: requestMetadata('Encrypt') };
    if (operation === 'encrypt')
      return encryptBody(c.bytes(1 + c.below(64)), { aad: c.bytes(8), cdiv: true });
    if (operation !== 'decrypt') return metadata;
    const { ciphertextDataIntegrityValue: _, ...fields } = this.#encrypted;
    return { ...metadata, encryptionAlgorithm: 'AES_GCM', ...fields };
  }

  #changeField(body: Record<string, unknown>): Record<string, unknown> {
    const c = this.#chance;
    const name = c.pick(Object.keys(body));
    const inner = body['requestMetadata'];
    if (name === 'requestMetadata' && typeof inner === 'object' && inner !== null && c.below(3) > 0)
      return { ...body, requestMetadata: this.#changeField({ ...(inner as Record<string, unknown>) }) };
    if (c.below(6) === 0) {
      const { [name]: _, ...rest } = body;
      return rest.constructor === Object && Object.keys(rest).length > 0 ? rest : { nothing: 1 };
    }
    return { ...body, [name]: this.#strangeValue() };
  }

  #strangeValue(): unknown {
    const c = this.#chance;
    return c.pick<() => unknown>([
      () => null,
      () => c.below(1000) - 500,
      () => 1e308,
      () => c.below(2) === 0,
      () => [],
      () => [[['a']]],
      () => ({}),
      () => ({ a: { b: 'c' } }),
      () => '',
      () => '=',
      () => '====',
      () => c.text(1 + c.below(30)),
      () => c.bytes(c.below(200)).toString('base64url'),
      () => c.bytes(c.below(200)).toString('base64'),
      () => `${c.bytes(1 + c.below(30)).toString('base64')}\n`,
      () => c.bytes(c.below(200)).toString('base64').slice(1),
      () => c.bytes(17 + c.below(8)).toString('base64'),
      () => Buffer.alloc(8_000 + c.below(60_000), 1).toString('base64'),
      () => 'ÄÖ\u{1f600}\ud800',
      () => '\0\u0001\u007f',
      () => 'a'.repeat(c.below(20_000)),
      () => 'AES_CBC',
      () => '__proto__',
    ])();
  }

  #brokenText(text: string): Buffer {
    const c = this.#chance;
    const bytes = Buffer.from(text);
    const at = c.below(bytes.length);
    switch (c.below(5)) {
      case 0:
        bytes[at] = c.below(256);
        return bytes;
      case 1:
        return bytes.subarray(0, at);
      case 2:
        return Buffer.concat([bytes.subarray(0, at), c.bytes(1 + c.below(8)), bytes.subarray(at)]);
      case 3:
        return Buffer.concat([bytes, c.bytes(c.below(4)), bytes]);
      default:
        return c.bytes(c.below(400));
    }
  }

  #strangeJson(): string {
    const c = this.#chance;
    const deep = 1 + c.below(20_000);
    return c.pick([
      () => '',
      () => 'null',
      () => '"text"',
      () => '[]',
      () => '{}',
      () => '{"requestMetadata":{}}',
      () => '['.repeat(deep),
      () => `${'['.repeat(deep)}${']'.repeat(deep)}`,
      () => `${'{"requestMetadata":'.repeat(deep % 6_000)}1${'}'.repeat(deep % 6_000)}`,
      () => '{"__proto__":{"plaintext":"AAAA"},"constructor":{"prototype":{}}}',
      () => `{${Array.from({ length: c.below(3000) }, (_, index) => `"f${index}":1`).join(',')}}`,
      () => '\ufeff{}',
      () => `{"a":1e${c.below(10_000)}}`,
    ])();
  }

  async #signed(operation: string, body: string | Buffer): Promise<Buffer> {
    return this.#signedAt('POST', `${this.#client.access.uriPath}/keys/${this.#key}/${operation}`, body);
  }

  async #signedAt(method: string, path: string, body: string | Buffer): Promise<Buffer> {
    const bytes = Buffer.from(body as string);
    const { headers } = await this.#client.sign(path, bytes, { method });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    return Buffer.concat([this.#lines(method, path, lines, bytes.length), bytes]);
  }

  #head(method: string, path: string, headers: string[], body: Buffer): Buffer {
    return Buffer.concat([
      this.#lines(method, path, [`host: localhost:${this.#client.port}`, ...headers], body.length),
      body,
    ]);
  }

  #lines(method: string, path: string, headers: string[], length: number): Buffer {
    return Buffer.from(
      [`${method} ${path} HTTP/1.1`, ...headers, `content-length: ${length}`, '', ''].join('\r\n'),
      'latin1',
    );
  }
}
