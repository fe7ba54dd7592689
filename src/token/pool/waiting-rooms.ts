import { WaitingRoom, type Waiting } from './waiting-room.ts';

interface InRoom extends Waiting {
  /** The same for all that the same hosts may do: one member of an HSM group, that member's own hosts here, or any. */
  readonly room: string;
  /** Others of its room may be done by hosts that are borrowed, and it may not. */
  readonly ownHostsOnly: boolean;
}

/**
 * What waits for a token: what only one member of an HSM group may do waits in a room of its own, so that it keeps nothing waiting
 * that another could do while that member hangs.
 */
export class WaitingRooms<Entry extends InRoom> {
  readonly #rooms = new Map<string, WaitingRoom<Entry>>();

  get length(): number {
    let length = 0;
    for (const room of this.#rooms.values()) length += room.length;
    return length;
  }

  /** What all that waits costs, in single operations. */
  get cost(): number {
    let cost = 0;
    for (const room of this.#rooms.values()) cost += room.cost;
    return cost;
  }

  /** Where this one waits, or would. */
  roomOf({ room: name }: Entry): WaitingRoom<Entry> {
    const room = this.#rooms.get(name) ?? new WaitingRoom<Entry>();
    this.#rooms.set(name, room);
    return room;
  }

  /**
   * Gives those whose turn it is to what `pick` finds for them, in each room until it finds nothing. What is for own hosts only keeps nobody
   * waiting whom a borrowed one may serve.
   */
  dispatch<Place>(
    pick: (entry: Entry) => Place | undefined,
    give: (entry: Entry, place: Place) => void,
  ): void {
    for (const room of this.#rooms.values()) {
      let passed: Set<string> | undefined;
      for (let entry = room.next(); entry !== undefined; entry = room.next(passed)) {
        const place = pick(entry);
        if (place !== undefined) {
          room.take(entry, passed);
          give(entry, place);
        } else if (entry.ownHostsOnly) (passed ??= new Set()).add(entry.lane);
        else break;
      }
    }
    this.#turnRooms();
  }

  /** No room is first each time. */
  #turnRooms(): void {
    if (this.#rooms.size < 2) return;
    const [first] = this.#rooms;
    if (first === undefined) return;
    this.#rooms.delete(first[0]);
    this.#rooms.set(...first);
  }

  forgetSettled(): void {
    for (const room of this.#rooms.values()) room.forgetSettled();
  }
}
