/** Reports of reconcile: what the store says against what the token holds. */
export interface ReconciliationTable {
  id: string;
  /** The vault that it was confined to; '' for all. */
  vault_id: string;
  began_at: string;
  ended_at: string;
  /** Who asked: 'start', 'schedule' or a user's name. */
  asked_by: string;
  /** JSON. */
  report: string;
}
