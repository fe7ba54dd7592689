import type { Generated } from 'kysely';

export interface NodeTable {
  id: string;
  hostname: string;
  version: string;
  started_at: string;
  last_seen_at: string;
}

/** Work that one process of the fleet does: who holds it and until when. */
export interface LeaseTable {
  name: string;
  holder: string;
  until: string;
  /** One more each time that it is taken: what was begun in an earlier one writes nothing any more. */
  term: Generated<number>;
}
