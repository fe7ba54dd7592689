import { AwsError } from './aws-error.ts';

/** The parts of AWS that accounts are in; none of them knows of another's accounts. */
export const partitions = ['aws', 'aws-cn', 'aws-us-gov'] as const;

export type Partition = (typeof partitions)[number];

/** Region of IAM's endpoint: of each partition there is one (AWS General Reference, IAM endpoints). */
export const homeRegion: Readonly<Record<Partition, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
};

/** Undefined for Regions of partitions that Holdfast does not know: the isolated ones, the European Sovereign Cloud. */
export function partitionOf(region: string): Partition | undefined {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (/^(?:us|eu)-iso|^eusc-/.test(region)) return undefined;
  return 'aws';
}

/** Throws AwsError `invalid` where the Region is another partition's: credentials of this one mean nothing there. */
export function checkRegion(operation: string, partition: Partition, region: string): void {
  if (partitionOf(region) === partition) return;
  throw new AwsError('invalid', 'RegionOfAnotherPartition', operation, {
    message: `the Region is not one of the partition ${partition}, which the CSP account is in`,
    wayOut: 'take a Region of this partition, or a CSP account of the other one',
  });
}
