import type { Selectable } from 'kysely';
import type { OidcProviderTable } from '../../store/schema.ts';

export type OidcProvider = Selectable<OidcProviderTable>;
