import type { Role, SessionTable } from '../store/schema.ts';
import type { Sight } from '../vault/context.ts';
import type { Permission } from './permissions.ts';

/** Who sent a request, once proven. */
export interface Caller {
  kind: 'user' | 'api-key';
  userId: string;
  username: string;
  role: Role;
  /** '' for users of the appliance. */
  vaultId: string;
  /** Role's permissions; of an API key those of its scope among them. */
  permissions: ReadonlySet<Permission>;
  /** Admin groups whose records they see; 'all' for everyone but cloud admins. */
  sight: Sight;
  /** Session or API key id. */
  credentialId: string;
  /** What is still to do before anything else; ACTIVE for API keys. */
  state: SessionTable['state'];
  /** The session came in a cookie, so that a changing request needs the CSRF token. */
  byCookie: boolean;
  /** Of an API key: when it ends, ISO 8601. */
  expiresAt?: string;
}
