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
}
