import type { Logger } from '../../log.ts';
import { isOfQuota, type SpaceReserve } from './space-reserve.ts';

/** Written at once, so that the event loop stands still for some milliseconds only. */
const piece = 1024 * 1024;
/** Between two pieces, milliseconds. */
const pause = 50;
/** Between two looks at a reserve that is whole, or has no room, milliseconds. */
const interval = 30_000;

/** Keeps the reserve of space filled, whenever the disk has room for it. */
export class ReserveFilling {
  readonly #reserve: SpaceReserve;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #told = false;

  constructor(reserve: SpaceReserve, log: Logger) {
    this.#reserve = reserve;
    this.#log = log;
  }

  start(): void {
    this.#again(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #again(after: number): void {
    this.#timer = setTimeout(() => this.#look(), after).unref();
  }

  #look(): void {
    const before = this.#reserve.held;
    let problem = 'the disk has no room for it';
    let whole = false;
    try {
      whole = this.#reserve.fill(piece);
    } catch (error) {
      problem = isOfQuota(error)
        ? 'the disk quota of the user that Holdfast runs as is used up (EDQUOT)'
        : (error as Error).message;
    }
    const { held } = this.#reserve;
    if (whole && this.#told)
      this.#log.info({ bytes: held }, 'the space that the store keeps in reserve is whole again');
    if (whole) this.#told = false;
    if (whole || held <= before) this.#again(interval);
    else this.#again(pause);
    if (whole || held > before || this.#told) return;
    this.#told = true;
    this.#log.error(
      { bytes: held, problem },
      'the space that the store keeps in reserve cannot be filled: make room on its disk, while acts that disable and freeze still work',
    );
  }
}
