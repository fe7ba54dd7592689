import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { TrailRecord } from './trail-record.ts';

/*
 * The file has CloudTrail's own form, `{"Records":[…]}`, which its readers take, and one record per line, which grep and people
 * take. It is complete JSON after every record: the closing brackets are overwritten by the next one.
 */

const HEAD = '{"Records":[\n';
const TAIL = '\n]}\n';
/** Then the file becomes `<file>.1`. */
const MAX_FILE = 64 * 1024 * 1024;
const MAX_KEPT = 10_000;

/** What was asked of the simulator. */
export class CloudTrail {
  readonly #file: string | undefined;
  #fd: number | undefined;
  #end = 0;
  #kept: TrailRecord[] = [];

  constructor(file?: string) {
    this.#file = file;
  }

  /** The latest 10,000 records, oldest first; of an action (`CreateKey`) or of all. */
  events(eventName?: string): TrailRecord[] {
    return this.#kept.filter((record) => eventName === undefined || record.eventName === eventName);
  }

  /** Forgets what `events` gives; the file stays. */
  clear(): void {
    this.#kept = [];
  }

  add(record: TrailRecord): void {
    this.#kept.push(record);
    if (this.#kept.length > MAX_KEPT) this.#kept = this.#kept.slice(-MAX_KEPT / 2);
    this.#write(record);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Begins the file, if there is to be one. One that is there already is kept as `<file>.1`. */
  open(): void {
    if (this.#file === undefined) return;
    this.#fd = openSync(this.#file, 'a+', 0o600);
    if (fstatSync(this.#fd).size > 0) {
      this.close();
      renameSync(this.#file, `${this.#file}.1`);
    } else this.close();
    this.#fd = openSync(this.#file, 'w', 0o600);
    this.#end = writeSync(this.#fd, HEAD, 0);
    writeSync(this.#fd, TAIL, this.#end);
  }

  #write(record: TrailRecord): void {
    if (this.#fd === undefined) return;
    if (this.#end > MAX_FILE) {
      this.close();
      this.open();
    }
    if (this.#fd === undefined) return;
    const line = (this.#end === HEAD.length ? '' : ',\n') + JSON.stringify(record);
    const written = writeSync(this.#fd, line + TAIL, this.#end);
    this.#end += written - TAIL.length;
  }
}
