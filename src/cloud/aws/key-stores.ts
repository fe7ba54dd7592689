import type { CustomKeyStoresListEntry } from '@aws-sdk/client-kms';
import type { Secret } from '../../secret.ts';
import type { AwsAccount } from './clients.ts';
import { AwsError } from './aws-error.ts';
import { callKeyStores } from './key-store-errors.ts';

/* External key stores of an AWS account and Region, as AWS KMS has them. */

export type Connectivity = 'PUBLIC_ENDPOINT' | 'VPC_ENDPOINT_SERVICE';

/** Of the connection states of AWS KMS. */
export type ConnectionState = 'CONNECTED' | 'CONNECTING' | 'FAILED' | 'DISCONNECTED' | 'DISCONNECTING';

/** What of an external key store may be told and changed. */
export interface KeyStoreProperties {
  name: string;
  connectivity: Connectivity;
  /** `https://` and a host. */
  uriEndpoint: string;
  /** Such as `/prefix/kms/xks/v1`. */
  uriPath: string;
  /** '' with a public endpoint. */
  vpcEndpointServiceName: string;
  /** Account id; '' for the account itself, and with a public endpoint. */
  vpcEndpointServiceOwner: string;
}

/** An external key store as AWS shows it. */
export interface AwsKeyStore extends KeyStoreProperties {
  /** `cks-…`. */
  id: string;
  /** One that is not known yet counts as FAILED does: nothing is to be expected of it. */
  state: ConnectionState;
  /** Code with FAILED, else ''. */
  connectionError: string;
  /** XKS credential that AWS signs with. */
  accessKeyId: string;
  createdAt: Date | undefined;
}

export interface XksCredentialValue {
  accessKeyId: string;
  secret: Secret;
}

/** More pages than any quota of key stores has. */
const maxPages = 20;

/** All external key stores of the account in the Region; key stores of AWS CloudHSM are left out. Throws KeyStoreError. */
export async function listKeyStores(account: AwsAccount, region: string): Promise<AwsKeyStore[]> {
  const { DescribeCustomKeyStoresCommand } = await import('@aws-sdk/client-kms');
  const kms = await account.kms(region);
  const found: AwsKeyStore[] = [];
  let marker: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const { CustomKeyStores, NextMarker, Truncated } = await callKeyStores(
      'DescribeCustomKeyStores',
      async () =>
        kms.send(new DescribeCustomKeyStoresCommand(marker === undefined ? {} : { Marker: marker })),
    );
    found.push(...(CustomKeyStores ?? []).flatMap((entry) => parseEntry(entry) ?? []));
    if (Truncated !== true || NextMarker === undefined) break;
    marker = NextMarker;
  }
  return found;
}

/** One by its id. Throws KeyStoreError, `not-found` too where it is none of an external key manager. */
export async function findKeyStore(account: AwsAccount, region: string, id: string): Promise<AwsKeyStore> {
  const { DescribeCustomKeyStoresCommand } = await import('@aws-sdk/client-kms');
  const kms = await account.kms(region);
  const { CustomKeyStores } = await callKeyStores('DescribeCustomKeyStores', async () =>
    kms.send(new DescribeCustomKeyStoresCommand({ CustomKeyStoreId: id })),
  );
  const found = CustomKeyStores?.flatMap((entry) => parseEntry(entry) ?? []).find((one) => one.id === id);
  if (found !== undefined) return found;
  throw new AwsError('not-found', 'CustomKeyStoreNotFoundException', 'DescribeCustomKeyStores', {
    message: 'AWS has no external key store of this id in the account and Region: DescribeCustomKeyStores',
    remediation: 'holdfast external-key-store candidates lists those that may be the key set’s',
  });
}

/** Makes one, DISCONNECTED. Answers its id. Throws KeyStoreError. */
export async function createKeyStore(
  account: AwsAccount,
  region: string,
  input: KeyStoreProperties,
  credential: XksCredentialValue,
): Promise<string> {
  const { CreateCustomKeyStoreCommand } = await import('@aws-sdk/client-kms');
  const kms = await account.kms(region);
  const { CustomKeyStoreId } = await callKeyStores('CreateCustomKeyStore', async () =>
    kms.send(
      new CreateCustomKeyStoreCommand({
        CustomKeyStoreName: input.name,
        CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
        ...propertiesOf(input),
        XksProxyAuthenticationCredential: credentialOf(credential),
      }),
    ),
  );
  return CustomKeyStoreId ?? '';
}

/** Changes what is told, all at once. Throws KeyStoreError. */
export async function updateKeyStore(
  account: AwsAccount,
  region: string,
  id: string,
  change: Partial<KeyStoreProperties> & { credential?: XksCredentialValue },
): Promise<void> {
  const { UpdateCustomKeyStoreCommand } = await import('@aws-sdk/client-kms');
  const kms = await account.kms(region);
  await callKeyStores('UpdateCustomKeyStore', async () =>
    kms.send(
      new UpdateCustomKeyStoreCommand({
        CustomKeyStoreId: id,
        ...(change.name === undefined ? {} : { NewCustomKeyStoreName: change.name }),
        ...propertiesOf(change),
        ...(change.credential === undefined
          ? {}
          : { XksProxyAuthenticationCredential: credentialOf(change.credential) }),
      }),
    ),
  );
}

/** Begins to connect it; that it is CONNECTED or FAILED shows minutes later. Throws KeyStoreError. */
export async function connectKeyStore(account: AwsAccount, region: string, id: string): Promise<void> {
  const { ConnectCustomKeyStoreCommand } = await import('@aws-sdk/client-kms');
  const kms = await account.kms(region);
  await callKeyStores('ConnectCustomKeyStore', async () =>
    kms.send(new ConnectCustomKeyStoreCommand({ CustomKeyStoreId: id })),
  );
}

/** Begins to disconnect it. Throws KeyStoreError. */
export async function disconnectKeyStore(account: AwsAccount, region: string, id: string): Promise<void> {
  const { DisconnectCustomKeyStoreCommand } = await import('@aws-sdk/client-kms');
  const kms = await account.kms(region);
  await callKeyStores('DisconnectCustomKeyStore', async () =>
    kms.send(new DisconnectCustomKeyStoreCommand({ CustomKeyStoreId: id })),
  );
}

/** Only one that is disconnected and has no KMS keys. Throws KeyStoreError. */
export async function deleteKeyStore(account: AwsAccount, region: string, id: string): Promise<void> {
  const { DeleteCustomKeyStoreCommand } = await import('@aws-sdk/client-kms');
  const kms = await account.kms(region);
  await callKeyStores('DeleteCustomKeyStore', async () =>
    kms.send(new DeleteCustomKeyStoreCommand({ CustomKeyStoreId: id })),
  );
}

/** The request of CreateCustomKeyStore, for who gives it with AWS's own command. Holds the secret: never logged. */
export function createRequest(
  input: KeyStoreProperties,
  credential: XksCredentialValue,
): Record<string, unknown> {
  return {
    CustomKeyStoreName: input.name,
    CustomKeyStoreType: 'EXTERNAL_KEY_STORE',
    ...propertiesOf(input),
    XksProxyAuthenticationCredential: credentialOf(credential),
  };
}

/** The request of UpdateCustomKeyStore that gives AWS another credential. Holds the secret: never logged. */
export function credentialRequest(id: string, credential: XksCredentialValue): Record<string, unknown> {
  return { CustomKeyStoreId: id, XksProxyAuthenticationCredential: credentialOf(credential) };
}

function credentialOf({ accessKeyId, secret }: XksCredentialValue) {
  return { AccessKeyId: accessKeyId, RawSecretAccessKey: secret.reveal() };
}

function propertiesOf(properties: Partial<KeyStoreProperties>) {
  const { connectivity, uriEndpoint, uriPath, vpcEndpointServiceName, vpcEndpointServiceOwner } = properties;
  return {
    ...(connectivity === undefined ? {} : { XksProxyConnectivity: connectivity }),
    ...(uriEndpoint === undefined ? {} : { XksProxyUriEndpoint: uriEndpoint }),
    ...(uriPath === undefined ? {} : { XksProxyUriPath: uriPath }),
    // Neither may be sent empty, nor with a public endpoint.
    ...given('XksProxyVpcEndpointServiceName', vpcEndpointServiceName),
    ...given('XksProxyVpcEndpointServiceOwner', vpcEndpointServiceOwner),
  };
}

function given<N extends string>(name: N, value: string | undefined): Partial<Record<N, string>> {
  return value === undefined || value === '' ? {} : ({ [name]: value } as Record<N, string>);
}

const connectionStates = new Set<unknown>([
  'CONNECTED',
  'CONNECTING',
  'FAILED',
  'DISCONNECTED',
  'DISCONNECTING',
]);

// oxlint-disable-next-line complexity -- one field of what AWS answers after another
function parseEntry(entry: CustomKeyStoresListEntry): AwsKeyStore | undefined {
  const { CustomKeyStoreId, CustomKeyStoreType, ConnectionState, XksProxyConfiguration: proxy } = entry;
  if (CustomKeyStoreId === undefined || CustomKeyStoreType !== 'EXTERNAL_KEY_STORE') return undefined;
  return {
    id: CustomKeyStoreId,
    name: entry.CustomKeyStoreName ?? '',
    state: connectionStates.has(ConnectionState) ? (ConnectionState as ConnectionState) : 'FAILED',
    connectionError: entry.ConnectionErrorCode ?? '',
    connectivity: proxy?.Connectivity ?? 'PUBLIC_ENDPOINT',
    uriEndpoint: proxy?.UriEndpoint ?? '',
    uriPath: proxy?.UriPath ?? '',
    vpcEndpointServiceName: proxy?.VpcEndpointServiceName ?? '',
    vpcEndpointServiceOwner: proxy?.VpcEndpointServiceOwner ?? '',
    accessKeyId: proxy?.AccessKeyId ?? '',
    createdAt: entry.CreationDate,
  };
}
