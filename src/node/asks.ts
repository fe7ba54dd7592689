import { setTimeout as delay } from 'node:timers/promises';

/** Questions to another process, each with a number by which its answer finds back. */
export class Asks<T> {
  readonly #open = new Map<number, (answer: T) => void>();
  #last = 0;

  /** Undefined where no answer has come within so many milliseconds. */
  async ask(send: (id: number) => void, timeout: number): Promise<T | undefined> {
    const id = ++this.#last;
    const answered = new Promise<T>((resolve) => {
      this.#open.set(id, resolve);
      send(id);
    });
    const late = delay(timeout, undefined, { ref: false }).then(() => void this.#open.delete(id));
    return Promise.race([answered, late]);
  }

  answered(id: number, answer: T): void {
    this.#open.get(id)?.(answer);
    this.#open.delete(id);
  }
}
