/** A token as it tells of itself (CK_TOKEN_INFO), padding removed. */
export interface TokenInfo {
  label: string;
  serial: string;
  manufacturer: string;
  model: string;
  firmware: string;
  loginRequired: boolean;
}
