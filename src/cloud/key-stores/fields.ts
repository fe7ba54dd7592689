import { partitionOf, type Partition } from '../aws/partitions.ts';
import type { Connectivity } from '../aws/key-stores.ts';
import { parseAwsAccountId, parseRegion } from '../../vault/aws-names.ts';
import { NameError } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';

/* What is told of an external key store, in the forms that AWS KMS takes (API reference, CreateCustomKeyStore). */

/** 1 to 256 characters; AWS shows it in CloudTrail. */
export function parseStoreName(text: string): string {
  if (!/^[^\p{Cc}\p{Zl}\p{Zp}]{1,256}$/u.test(text) || text.trim() !== text)
    throw new NameError(
      'the name of an external key store has 1 to 256 characters, none of them a control character, and no blanks around it',
    );
  return text;
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const host = new RegExp(`^https://(?:${label}\\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$`);

/** `https://` and a fully qualified name, no port and no path: AWS calls port 443. In lower case. */
export function parseUriEndpoint(text: string): string {
  const endpoint = text.toLowerCase();
  if (endpoint.length > 128 || !host.test(endpoint))
    throw new NameError(
      'the endpoint is https:// and a fully qualified host name, such as https://xks.example.com: no port (AWS KMS calls 443), no path and no address',
    );
  return endpoint;
}

/** Names of VPC endpoint services have their Region in them. */
export function parseVpcEndpointService(text: string, region: string): string {
  const named = /^com\.amazonaws\.vpce\.(?<region>(?:[a-z]+-){2,3}\d+)\.vpce-svc-[0-9a-z]+$/.exec(text);
  if (named === null || text.length < 20 || text.length > 64)
    throw new NameError(
      'the name of a VPC endpoint service looks like com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0',
    );
  if (named.groups?.['region'] !== region)
    throw new VaultError(
      'invalid',
      'the VPC endpoint service is in another Region than the external key store',
      'name one of the same Region',
    );
  return text;
}

/** `cks-…`. */
export function parseCustomKeyStoreId(text: string): string {
  if (!/^cks-[0-9A-Za-z]{1,60}$/.test(text))
    throw new NameError('the id of a custom key store looks like cks-1234567890abcdef0');
  return text;
}

/** A Region where it is told. Throws VaultError `invalid` for one of another partition than the account's. */
export function parseStoreRegion(text: string, partition: Partition | undefined): string {
  const region = parseRegion(text);
  if (region === '')
    throw new VaultError('invalid', 'the AWS Region is missing', 'name one such as eu-central-1');
  if (partition !== undefined && partitionOf(region) !== partition)
    throw new VaultError(
      'invalid',
      `the Region is not one of the partition ${partition}, which the CSP account is in`,
      'name a Region of this partition, or give the key set another CSP account',
    );
  return region;
}

export interface ReachInput {
  connectivity: Connectivity;
  uriEndpoint: string;
  vpcEndpointServiceName?: string | undefined;
  vpcEndpointServiceOwner?: string | undefined;
}

/** How AWS reaches the proxy. */
export interface Reach {
  connectivity: Connectivity;
  uriEndpoint: string;
  /** Both '' with a public endpoint; the owner '' for the account itself. */
  vpcEndpointServiceName: string;
  vpcEndpointServiceOwner: string;
}

/** Throws NameError; VaultError `invalid` where the parts do not go together. */
export function parseReach(input: ReachInput, region: string): Reach {
  const { connectivity, vpcEndpointServiceName: name = '', vpcEndpointServiceOwner: owner = '' } = input;
  const uriEndpoint = parseUriEndpoint(input.uriEndpoint);
  if (connectivity === 'PUBLIC_ENDPOINT') {
    if (name !== '' || owner !== '')
      throw new VaultError(
        'invalid',
        'a public endpoint has no VPC endpoint service',
        'leave it out, or choose VPC_ENDPOINT_SERVICE',
      );
    return { connectivity, uriEndpoint, vpcEndpointServiceName: '', vpcEndpointServiceOwner: '' };
  }
  if (name === '')
    throw new VaultError(
      'invalid',
      'the name of the VPC endpoint service is missing',
      'name it, or choose PUBLIC_ENDPOINT',
    );
  return {
    connectivity,
    uriEndpoint,
    vpcEndpointServiceName: parseVpcEndpointService(name, region),
    vpcEndpointServiceOwner: parseAwsAccountId(owner),
  };
}
