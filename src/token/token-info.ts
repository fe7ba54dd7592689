/** A token as it tells of itself (CK_TOKEN_INFO), padding removed, and where the module has it. */
export interface TokenInfo {
  label: string;
  serial: string;
  manufacturer: string;
  model: string;
  firmware: string;
  loginRequired: boolean;
  /** The module's number of the slot that it is in; null for one that no number of ours holds exactly. It may change from one start to the next. */
  slot: number | null;
}

/** What people are shown of it. */
export type ShownTokenInfo = Omit<TokenInfo, 'loginRequired'>;
