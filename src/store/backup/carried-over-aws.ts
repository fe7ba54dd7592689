import type { Withholding } from './withheld.ts';

/*
 * What AWS is told again after a restore: a KMS key that was disabled, or is to be deleted, in the replaced store (`before`)
 * is not enabled because the restored one (`main`) wanted it so, and no key store is connected that nobody wants connected.
 */

const isToldAws = `key_id <> '' AND origin <> 'MANUAL'`;

/** As if it had just been asked for; a key that is still to be made, or is somebody's by hand, goes on as it was. */
const again = `wanted = CASE WHEN ${isToldAws} THEN 'DISABLE' END,
  next_attempt_at = CASE WHEN ${isToldAws} THEN @now ELSE next_attempt_at END,
  attempts = CASE WHEN ${isToldAws} THEN 0 ELSE attempts END,
  problem = CASE WHEN ${isToldAws} THEN NULL ELSE problem END`;

/** By itself, or after what is wanted of it. */
function connects(row: string): string {
  return `(coalesce(${row}.wanted = 'CONNECT', 0)
    OR (${row}.wanted IS NOT NULL AND coalesce(json_extract(${row}.wanted_details, '$.connect') = 1, 0)))`;
}

export const awsWithheld: readonly Withholding[] = [
  {
    kind: 'kms-key',
    what: 'is to be DISABLED in AWS: it was disabled, or its deletion scheduled',
    set: `cloud_wish = 'DISABLED', wanted_days = NULL, ${again}`,
    where: `cloud_wish = 'ENABLED' AND step <> 'GONE' AND leaving IS NULL AND EXISTS (
      SELECT 1 FROM before.kms_keys b WHERE b.id = main.kms_keys.id AND b.cloud_wish IN ('DISABLED', 'PENDING_DELETION'))`,
  },
  {
    kind: 'external-key-store',
    what: 'is no longer to be connected',
    set: `wanted = nullif(wanted, 'CONNECT'),
      wanted_details = CASE WHEN wanted <> 'CONNECT' THEN json_remove(wanted_details, '$.connect') END`,
    where: `${connects('main.external_key_stores')} AND NOT EXISTS (
      SELECT 1 FROM before.external_key_stores b WHERE b.id = main.external_key_stores.id
        AND (b.state IN ('CONNECTING', 'CONNECTED') OR ${connects('b')}))`,
  },
];
