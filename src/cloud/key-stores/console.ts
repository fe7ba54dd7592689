import type { Act } from '../../evidence/trail.ts';
import { createRequest, credentialRequest } from '../aws/key-stores.ts';
import { partitionOf } from '../aws/partitions.ts';
import type { AwsContext } from '../controller/context.ts';
import { consoleFile, type ConsoleFile } from '../../keys/credentials/credential-secrets.ts';
import type { MadeCredential } from '../../keys/credentials/credential-making.ts';
import { accountFor, isByHand } from './accounts.ts';
import { issueByHand } from './by-hand.ts';
import { findStoreIn, type ExternalKeyStore } from './records.ts';
import type { OnStore } from './acting.ts';
import { checkRowVersion } from '../../vault/context.ts';
import type { KeySet } from '../../keys/key-sets/key-set-records.ts';
import { xksUriPath } from '../../vault/names.ts';
import { VaultError } from '../../vault/vault-error.ts';

/** What a person enters in AWS, in the order in which its console asks. */
export interface ByHand {
  row: ExternalKeyStore;
  /** Where in AWS's console. */
  url: string;
  steps: string[];
  fields: { label: string; value: string }[];
  /** With a new credential: the proxy configuration file, and the request for AWS's own command. Shown this once. */
  secret?: { accessKeyId: string; consoleFile: ConsoleFile; request: Record<string, unknown> };
  /** AWS's command that does the same; the request is in a file of this name, since arguments are seen by everyone. */
  command: string;
  requestFile: string;
}

/**
 * What to enter by hand to make the key store in AWS, with a new credential where one is asked for: that is shown once.
 * Throws VaultError `conflict` for a credential of a key store for which Holdfast signs in to AWS.
 */
export async function consoleOf(
  context: AwsContext,
  act: Act,
  on: OnStore,
  withCredential: boolean | undefined,
): Promise<ByHand> {
  const row = await findStoreIn(context.store.db, on.keySet, on.id);
  checkRowVersion(row, on.expected);
  const byHand = isByHand(row, await accountFor(context.store.db, row));
  if (withCredential === true && !byHand)
    throw new VaultError(
      'conflict',
      'Holdfast gives AWS the credential of this external key store itself',
      'holdfast external-key-store rotate-credential gives AWS a new one',
    );
  const wanted = withCredential ?? (byHand && row.access_key_id === '');
  if (!wanted) return described(on.keySet, row, undefined);
  const { row: after, issued } = await issueByHand(context, act, on, 'console');
  return described(on.keySet, after, issued);
}

/** The next credential of a key store by hand, with what to do with it in AWS. */
export async function rotateByHand(context: AwsContext, act: Act, on: OnStore): Promise<ByHand> {
  const { row, issued } = await issueByHand(context, act, on, 'rotate-credential');
  const requestFile = 'update-external-key-store.json';
  const { accessKeyId, secret } = issued;
  return {
    row,
    url: consoleUrl(row.region),
    steps: [
      'Custom key stores, External key stores: choose the key store, then Key store actions, Edit; it may stay connected',
      'Upload configuration file: the console file',
      'Update external key store',
      'tell that it is done: holdfast external-key-store rotate-credential --done; or wait until AWS is seen with it',
    ],
    fields: [{ label: 'Key store name', value: row.name }],
    secret: {
      accessKeyId,
      consoleFile: consoleFile(on.keySet, accessKeyId, secret),
      request: credentialRequest(row.custom_key_store_id, { accessKeyId, secret }),
    },
    command: `aws kms update-custom-key-store --region ${row.region} --cli-input-json file://${requestFile}`,
    requestFile,
  };
}

function described(keySet: KeySet, row: ExternalKeyStore, issued: MadeCredential | undefined): ByHand {
  const uriPath = xksUriPath(keySet.path_prefix);
  const requestFile = 'create-external-key-store.json';
  const isPublic = row.connectivity === 'PUBLIC_ENDPOINT';
  return {
    row,
    url: consoleUrl(row.region),
    steps: [
      'Custom key stores, External key stores, Create external key store',
      'enter the fields; Upload configuration file fills in path and credential from the console file',
      'Create external key store, then Key store actions, Connect: that takes about five minutes',
      'tell its id: holdfast external-key-store link --id cks-…',
    ],
    fields: [
      { label: 'Key store name', value: row.name },
      { label: 'Proxy connectivity', value: isPublic ? 'Public endpoint' : 'VPC endpoint service' },
      ...(isPublic
        ? []
        : [
            { label: 'VPC endpoint service name', value: row.vpc_endpoint_service_name },
            ...(row.vpc_endpoint_service_owner === ''
              ? []
              : [{ label: 'VPC endpoint service owner', value: row.vpc_endpoint_service_owner }]),
          ]),
      { label: 'Proxy URI endpoint', value: row.uri_endpoint },
      { label: 'Proxy URI path prefix', value: keySet.path_prefix },
      ...(issued === undefined
        ? []
        : [{ label: 'Proxy credential: Access key ID', value: issued.accessKeyId }]),
    ],
    ...(issued === undefined
      ? {}
      : {
          secret: {
            accessKeyId: issued.accessKeyId,
            consoleFile: consoleFile(keySet, issued.accessKeyId, issued.secret),
            request: createRequest(
              {
                name: row.name,
                connectivity: row.connectivity,
                uriEndpoint: row.uri_endpoint,
                uriPath,
                vpcEndpointServiceName: row.vpc_endpoint_service_name,
                vpcEndpointServiceOwner: row.vpc_endpoint_service_owner,
              },
              issued,
            ),
          },
        }),
    command: `aws kms create-custom-key-store --region ${row.region} --cli-input-json file://${requestFile}`,
    requestFile,
  };
}

/** Each partition has a console of its own. */
function consoleUrl(region: string): string {
  const domains = {
    aws: 'console.aws.amazon.com',
    'aws-cn': 'console.amazonaws.cn',
    'aws-us-gov': 'console.amazonaws-us-gov.com',
    'aws-eusc': 'console.amazonaws-eusc.eu',
  };
  return `https://${domains[partitionOf(region) ?? 'aws']}/kms/home?region=${region}`;
}
