import type { Schemas } from '../client/api-types.ts';
import { isForPrograms, printData, printRecord, type OutputOptions } from '../output/output.ts';
import { print } from '../output/streams.ts';

/** Prints what creating a CloudKey would make; with `policyOnly` the key policy alone, as a file has it. */
export function tellPreview(
  preview: Schemas['CloudKeyPreview'],
  policyOnly: boolean,
  options: OutputOptions,
): void {
  const { kmsKey, keySetName: keySet, keySetId: _, token, region } = preview;
  if (policyOnly) return printData(kmsKey?.policy ?? null, options);
  if (isForPrograms(options)) return printRecord(preview, options);
  if (kmsKey === null) return printRecord({ keySet, token, region, 'KMS key': 'none' }, options);
  const { externalKeyStoreId: __, externalKeyStoreName, policy, policySource: ___, ...told } = kmsKey;
  printRecord({ keySet, token, externalKeyStore: externalKeyStoreName, ...told }, options);
  print(
    policy === null
      ? '\nThe key policy is written once AWS has told the account id.'
      : `\nKey policy:\n${JSON.stringify(policy, null, 2)}`,
  );
}
