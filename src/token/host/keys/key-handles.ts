/** The most keys whose handles are remembered: at about a hundred bytes each, 25 MB. */
const maxHandles = 250_000;

/**
 * What a host remembers of where keys are: CKA_ID → handle, for the life of a login. Both are kept as strings of one
 * byte a character: a Buffer for each would cost several times as much. Beyond a bound the oldest is forgotten, and
 * found again when it is next used.
 */
export class KeyHandles {
  readonly #byId = new Map<string, string>();
  readonly #max: number;
  /** Told of each CKA_ID whose handle is set: what was known of the old one says nothing about it. */
  readonly onLearned: ((id: Uint8Array) => void)[] = [];

  constructor(max = maxHandles) {
    this.#max = max;
  }

  get size(): number {
    return this.#byId.size;
  }

  get isFull(): boolean {
    return this.#byId.size >= this.#max;
  }

  get(id: Uint8Array): Buffer | undefined {
    const handle = this.#byId.get(toText(id));
    return handle === undefined ? undefined : Buffer.from(handle, 'latin1');
  }

  set(id: Uint8Array, handle: Buffer): void {
    if (this.isFull) {
      const [oldest] = this.#byId.keys();
      if (oldest !== undefined) this.#byId.delete(oldest);
    }
    this.#byId.set(toText(id), toText(handle));
    for (const tell of this.onLearned) tell(id);
  }

  delete(id: Uint8Array): void {
    this.#byId.delete(toText(id));
  }

  clear(): void {
    this.#byId.clear();
  }

  /** All handles, each as {@link toText} has it. */
  values(): Set<string> {
    return new Set(this.#byId.values());
  }
}

/** Bytes as a string of one byte a character. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
