/** No message is larger: a plaintext and an AAD of 64 KiB each, and room for the rest. */
export const maxFrameBytes = 192 * 1024;

/** Writes one frame's fields; `capacity` is a guess that saves a copy. */
export class FrameWriter {
  #buffer: Buffer;
  #at = 4;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(capacity, 64));
  }

  u8(value: number): void {
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  u32(value: number): void {
    this.#room(4);
    this.#at = this.#buffer.writeUInt32BE(value, this.#at);
  }

  f64(value: number): void {
    this.#room(8);
    this.#at = this.#buffer.writeDoubleBE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#room(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  frame(): Buffer {
    this.#buffer.writeUInt32BE(this.#at - 4, 0);
    return this.#buffer.subarray(0, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe((this.#at + bytes) * 2);
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** Reads one frame's fields. Every method throws RangeError where the frame is too short. */
export class FrameReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#buffer.readUInt32BE(this.#at - 4);
  }

  f64(): number {
    this.#at += 8;
    return this.#buffer.readDoubleBE(this.#at - 8);
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw new RangeError('a flag that is neither 0 nor 1');
    return value === 1;
  }

  /** A view into the frame: valid as long as the frame's buffer is. */
  bytes(): Buffer {
    const length = this.u32();
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new RangeError('a field ends beyond its frame');
    const view = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  /** Nothing may follow the last field. */
  end(): void {
    if (this.#at !== this.#buffer.length) throw new RangeError('a frame is longer than its fields');
  }
}

const empty = Buffer.alloc(0);

/** Cuts a byte stream into frames. Frames are views into the chunks where they arrive whole. */
export class FrameCutter {
  #rest: Buffer = empty;

  /** Every whole frame that `chunk` completes, without its length. Throws RangeError on an impossible length. */
  push(chunk: Buffer): Buffer[] {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    while (data.length >= 4) {
      const length = data.readUInt32BE(0);
      if (length > maxFrameBytes) throw new RangeError('a frame is larger than any message');
      if (data.length < 4 + length) break;
      frames.push(data.subarray(4, 4 + length));
      data = data.subarray(4 + length);
    }
    // A copy: the chunk's buffer may be read into again.
    this.#rest = data.length === 0 ? empty : Buffer.from(data);
    return frames;
  }
}
