import { pace } from '../api/looks.ts';
import { useRecord } from '../api/queries.ts';
import { useSession } from '../session/session.tsx';

/** Name of the vault that is signed in to; undefined in the appliance, and while it is not known. */
export function useVaultName(): string | undefined {
  const { vaultId } = useSession().user;
  const { data } = useRecord(
    'getVault',
    { vaultId: vaultId ?? '' },
    { enabled: vaultId !== null, every: pace.rare },
  );
  return data?.body.name;
}
