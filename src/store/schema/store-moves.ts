/** That this store was moved: one row at the most, in the store that it was moved from, and never in a copy of it. */
export interface StoreMoveTable {
  id: 'move';
  /** The file, or the database with its server, in words. */
  moved_to: string;
  begun_at: string;
  /** When everything was there and compared; null while it goes on, and of one that was cut off. */
  ended_at: string | null;
}
