/** When and from where something was last used; written by XKS workers every few seconds. */
export interface UseTable {
  kind: 'credential' | 'encrypt' | 'decrypt';
  /** Access key id, or CloudKey id. */
  id: string;
  count: number;
  last_at: string;
  /** Address that the request came from. */
  last_address: string;
}
