/** A thing that a finding of the status is about, which somebody has seen and judged. */
export interface AcknowledgementTable {
  /** Whose status it is in: the vault's, or '' for the appliance's. Each judges for itself. */
  vault_id: string;
  trouble: string;
  /** What it is, with what would make it another matter: `<id> <state>`. */
  thing: string;
  /** Where the finding is, as people read it. */
  place: string;
  /** Who it was. */
  actor_name: string;
  note: string;
  at: string;
  /** It ends then at the latest; null: once the thing is no more, or is otherwise. */
  until: string | null;
}
