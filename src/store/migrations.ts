import type { Migration } from 'kysely/migration';
import { keySets } from './migrations/0001-key-sets.ts';
import { vaults } from './migrations/0002-vaults.ts';
import { aws } from './migrations/0003-aws.ts';
import { keyProofs } from './migrations/0004-key-proofs.ts';
import { authority } from './migrations/0005-authority.ts';
import { indexes } from './migrations/0006-indexes.ts';
import { sightings } from './migrations/0008-sightings.ts';
import { listIndexes } from './migrations/0009-list-indexes.ts';
import { servedChanges } from './migrations/0010-served-changes.ts';
import { auditPrunings } from './migrations/0011-audit-prunings.ts';
import { withdrawnCredentials } from './migrations/0012-withdrawn-credentials.ts';
import { orderIndexes } from './migrations/0013-order-indexes.ts';
import { unfinishedWork } from './migrations/0014-unfinished-work.ts';
import { vaultFreezes } from './migrations/0019-vault-freezes.ts';
import { statusIndexes } from './migrations/0020-status-indexes.ts';
import { auditCount } from './migrations/0023-audit-count.ts';
import { namesAcrossVaults } from './migrations/0026-names-across-vaults.ts';
import { unshownWrites } from './migrations/0031-unshown-writes.ts';
import { actorsVault } from './migrations/0034-actors-vault.ts';
import { keyStoresOfAVault } from './migrations/0036-key-stores-of-a-vault.ts';
import { remediation } from './migrations/0037-remediation.ts';
import { leaseTerms } from './migrations/0038-lease-terms.ts';
import { traffic } from './migrations/0043-traffic.ts';
import { snapshotHolders } from './migrations/0048-snapshot-holders.ts';
import { revisionMarks } from './migrations/0050-revision-marks.ts';
import { nodesShown } from './migrations/0056-nodes-shown.ts';
import { failedRequests } from './migrations/0060-failed-requests.ts';
import { replacedTokens } from './migrations/0064-replaced-tokens.ts';
import { lostChanges } from './migrations/0067-lost-changes.ts';
import { acknowledgements } from './migrations/0073-acknowledgements.ts';
import { doctorReports } from './migrations/0074-doctor-reports.ts';
import { storeId } from './migrations/0075-store-id.ts';
import { hsmsNotAsked } from './migrations/0080-hsms-not-asked.ts';
import { storeMoves } from './migrations/0088-store-moves.ts';
import { vitals } from './migrations/0115-vitals.ts';
import { auditRequests } from './migrations/0119-audit-requests.ts';
import { accessLists } from './migrations/0121-access-lists.ts';

/** In order of their names; never edited once released. */
export const migrations: Record<string, Migration> = {
  '0001-key-sets': keySets,
  '0002-vaults': vaults,
  '0003-aws': aws,
  '0004-key-proofs': keyProofs,
  '0005-authority': authority,
  '0006-indexes': indexes,
  '0008-sightings': sightings,
  '0009-list-indexes': listIndexes,
  '0010-served-changes': servedChanges,
  '0011-audit-prunings': auditPrunings,
  '0012-withdrawn-credentials': withdrawnCredentials,
  '0013-order-indexes': orderIndexes,
  '0014-unfinished-work': unfinishedWork,
  '0019-vault-freezes': vaultFreezes,
  '0020-status-indexes': statusIndexes,
  '0023-audit-count': auditCount,
  '0026-names-across-vaults': namesAcrossVaults,
  '0031-unshown-writes': unshownWrites,
  '0034-actors-vault': actorsVault,
  '0036-key-stores-of-a-vault': keyStoresOfAVault,
  '0037-remediation': remediation,
  '0038-lease-terms': leaseTerms,
  '0043-traffic': traffic,
  '0048-snapshot-holders': snapshotHolders,
  '0050-revision-marks': revisionMarks,
  '0056-nodes-shown': nodesShown,
  '0060-failed-requests': failedRequests,
  '0064-replaced-tokens': replacedTokens,
  '0067-lost-changes': lostChanges,
  '0073-acknowledgements': acknowledgements,
  '0074-doctor-reports': doctorReports,
  '0075-store-id': storeId,
  '0080-hsms-not-asked': hsmsNotAsked,
  '0088-store-moves': storeMoves,
  '0115-vitals': vitals,
  '0119-audit-requests': auditRequests,
  '0121-access-lists': accessLists,
};

/** The last one that was made before nodes of two versions could work with one database. */
const lastAlone = '0043-traffic';

/**
 * Whether a node of a version that does not know it yet goes on working with the store: it adds tables, indexes, and columns that
 * may be left out. Later ones do no more than that; one that has to is named `…-contracts`, by which older versions know it too.
 */
export function isExpanding(name: string): boolean {
  return name > lastAlone && !name.endsWith('-contracts');
}
