/* Files that somebody gives to the page: read here, and sent nowhere. */

export type Bytes = Uint8Array<ArrayBuffer>;

/** It is compressed, and the compression is broken, or the file is cut off. */
export class PackedError extends Error {
  override readonly name = 'PackedError';
}

/** Decompressed where it is compressed, whatever its name. Throws PackedError. */
export async function* chunksOf(file: Blob): AsyncGenerator<Bytes> {
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const stream = isGzip ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
  // Not every browser gives a stream an iterator of its own.
  const reader: ReadableStreamDefaultReader<Bytes> = stream.getReader();
  const read = async () => {
    try {
      return await reader.read();
    } catch (error) {
      throw isGzip ? new PackedError(undefined, { cause: error }) : error;
    }
  };
  try {
    for (let next = await read(); !next.done; next = await read()) yield next.value;
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}
