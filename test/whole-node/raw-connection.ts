import { connect, type TLSSocket } from 'node:tls';
import { once } from 'node:events';

export interface RawAnswer {
  status: number;
  /** Names in lower case. */
  headers: Map<string, string>;
  text: string;
}

/** What the server did: answered, closed without a word, or waits for more. */
export type Outcome = RawAnswer | 'closed' | 'waiting';

/** A TLS connection that sends whatever bytes it is told, one exchange at a time, and reads HTTP/1.1 answers. */
export class RawConnection {
  readonly #socket: TLSSocket;
  #received = Buffer.alloc(0);
  #ended = false;
  #closing = false;
  #wake: (() => void) | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    for (const event of ['end', 'close', 'error'])
      socket.on(event, () => {
        this.#ended = true;
        this.#wake?.();
      });
  }

  static async open(port: number, ca: Buffer, protocol?: string): Promise<RawConnection> {
    const socket = connect({
      host: '127.0.0.1',
      servername: 'localhost',
      port,
      ca,
      ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
    });
    await once(socket, 'secureConnect');
    return new RawConnection(socket);
  }

  /** False once the server has closed, or said that it will. */
  get usable(): boolean {
    return !this.#ended && !this.#closing && this.#socket.writable;
  }

  /** Sends, then waits for one answer for as long as `timeout` milliseconds. */
  async exchange(bytes: Buffer, timeout: number, isHead = false): Promise<Outcome> {
    this.#socket.write(bytes);
    const until = performance.now() + timeout;
    for (;;) {
      const answer = this.#takeAnswer(isHead);
      if (answer !== undefined) return answer;
      if (this.#ended) return 'closed';
      const left = until - performance.now();
      if (left <= 0) return 'waiting';
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #takeAnswer(isHead: boolean): RawAnswer | undefined {
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return undefined;
    const [statusLine = '', ...lines] = this.#received.toString('latin1', 0, headEnd).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
    if (Number.isNaN(status)) throw new Error(`not an HTTP answer: ${statusLine.slice(0, 80)}`);
    const headers = new Map(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
    );
    const bodyAt = headEnd + 4;
    if (status < 200) {
      this.#received = this.#received.subarray(bodyAt);
      return this.#takeAnswer(isHead);
    }
    const isEmpty = isHead || status === 204;
    const body = isEmpty ? { bytes: Buffer.alloc(0), end: bodyAt } : this.#body(headers, bodyAt);
    if (body === undefined) return undefined;
    this.#received = this.#received.subarray(body.end);
    this.#closing ||= headers.get('connection')?.toLowerCase() === 'close';
    return { status, headers, text: body.bytes.toString('utf8') };
  }

  #body(headers: Map<string, string>, at: number): { bytes: Buffer; end: number } | undefined {
    if (headers.get('transfer-encoding') === 'chunked') return this.#chunks(at);
    const told = headers.get('content-length');
    if (told === undefined)
      return this.#ended ? { bytes: this.#received.subarray(at), end: this.#received.length } : undefined;
    const end = at + Number(told);
    return this.#received.length < end ? undefined : { bytes: this.#received.subarray(at, end), end };
  }

  #chunks(at: number): { bytes: Buffer; end: number } | undefined {
    const parts: Buffer[] = [];
    for (;;) {
      const lineEnd = this.#received.indexOf('\r\n', at);
      if (lineEnd < 0) return undefined;
      const length = Number.parseInt(this.#received.toString('latin1', at, lineEnd), 16);
      const from = lineEnd + 2;
      if (this.#received.length < from + length + 2) return undefined;
      if (length === 0) return { bytes: Buffer.concat(parts), end: from + 2 };
      parts.push(this.#received.subarray(from, from + length));
      at = from + length + 2;
    }
  }
}
