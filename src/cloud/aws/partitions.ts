import { AwsError } from './aws-error.ts';

/** The parts of AWS that accounts are in; none of them knows of another's accounts. */
export const partitions = ['aws', 'aws-cn', 'aws-us-gov', 'aws-eusc'] as const;

export type Partition = (typeof partitions)[number];

interface PartitionFacts {
  /** Forms of the names of its Regions, those that are to come among them. */
  regions: RegExp;
  /** Region of IAM's endpoint: of each partition there is one. */
  home: string;
  /** Which of the services that Holdfast calls have FIPS endpoints, and where; the SDK makes up a name for every Region. */
  fips: Readonly<Record<AwsService, RegExp | undefined>>;
}

export type AwsService = 'kms' | 'iam' | 'sts';

const everywhere = /^/;
const none = { kms: undefined, iam: undefined, sts: undefined };

/**
 * Regions as the partition data of AWS's SDKs has them (a test compares); FIPS endpoints as the endpoint data of botocore
 * 1.43 and "Federal Information Processing Standard 140" on AWS's compliance pages have them.
 */
const facts: Readonly<Record<Partition, PartitionFacts>> = {
  aws: {
    regions: /^(?!cn-|eusc-|us-gov-|(?:us|eu)-iso)/,
    home: 'us-east-1',
    fips: { kms: everywhere, iam: everywhere, sts: /^us-(?:east|west)-[12]$/ },
  },
  'aws-cn': { regions: /^cn-/, home: 'cn-north-1', fips: none },
  'aws-us-gov': {
    regions: /^us-gov-/,
    home: 'us-gov-west-1',
    fips: { kms: everywhere, iam: everywhere, sts: everywhere },
  },
  'aws-eusc': { regions: /^eusc-/, home: 'eusc-de-east-1', fips: none },
};

export const homeRegion: Readonly<Record<Partition, string>> = {
  aws: facts.aws.home,
  'aws-cn': facts['aws-cn'].home,
  'aws-us-gov': facts['aws-us-gov'].home,
  'aws-eusc': facts['aws-eusc'].home,
};

/** Undefined for Regions of partitions that Holdfast does not know: the isolated ones. */
export function partitionOf(region: string): Partition | undefined {
  return partitions.find((partition) => facts[partition].regions.test(region));
}

/** Whether AWS has FIPS endpoints of anything in the partition. */
export function knowsFips(partition: Partition): boolean {
  return Object.values(facts[partition].fips).some((regions) => regions !== undefined);
}

export function hasFips(service: AwsService, region: string): boolean {
  const partition = partitionOf(region);
  return partition !== undefined && facts[partition].fips[service]?.test(region) === true;
}

/** Throws AwsError `invalid` where AWS has no FIPS endpoint of the service in the Region: its name would lead nowhere. */
export function checkFips(service: AwsService, region: string): void {
  if (hasFips(service, region)) return;
  const partition = partitionOf(region);
  const name = service.toUpperCase();
  const elsewhere =
    partition === 'aws'
      ? `take a default Region where it has one (us-east-1, us-east-2, us-west-1, us-west-2): key stores and CloudKeys may be in other Regions all the same; or leave FIPS out`
      : 'leave FIPS out (holdfast csp-account edit --fips no; [aws] fips in the configuration)';
  throw new AwsError('invalid', 'NoFipsEndpoint', name, {
    message: `AWS has no FIPS endpoint of ${name} in ${partition === 'aws' ? 'this Region' : `the partition ${partition ?? 'of this Region'}`}`,
    remediation: elsewhere,
    certain: true,
  });
}

/** Throws AwsError `invalid` where the Region is another partition's: credentials of this one mean nothing there. */
export function checkRegion(operation: string, partition: Partition, region: string): void {
  if (partitionOf(region) === partition) return;
  throw new AwsError('invalid', 'RegionOfAnotherPartition', operation, {
    message: `the Region is not one of the partition ${partition}, which the CSP account is in`,
    remediation: 'take a Region of this partition, or a CSP account of the other one',
  });
}
