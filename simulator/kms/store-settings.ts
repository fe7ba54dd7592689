import { kmsError, notDone, validation } from './errors.ts';
import type { Input } from './input.ts';
import type { KeyStore, StoreSettings, XksCredential } from './records.ts';

/** KMS API Reference, CreateCustomKeyStore and XksProxyAuthenticationCredentialType. */
const rules = {
  CustomKeyStoreName: { max: 256 },
  XksProxyUriEndpoint: { min: 10, max: 128, pattern: /^https:\/\/[a-zA-Z0-9.-]+$/ },
  XksProxyUriPath: { min: 10, max: 128, pattern: /^(\/[a-zA-Z0-9/_-]+)?\/kms\/xks\/v1$/ },
  XksProxyVpcEndpointServiceName: {
    min: 20,
    max: 64,
    pattern: /^com\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$/,
  },
  XksProxyVpcEndpointServiceOwner: { pattern: /^\d{12}$/ },
  AccessKeyId: { min: 20, max: 30, pattern: /^[A-Z2-7]+$/ },
  RawSecretAccessKey: { min: 43, max: 64, pattern: /^[a-zA-Z0-9/+=]+$/ },
} as const;

const connectivities = ['PUBLIC_ENDPOINT', 'VPC_ENDPOINT_SERVICE'] as const;

export function readNewStore(input: Input): StoreSettings {
  const type = input.oneOf('CustomKeyStoreType', ['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']) ?? 'AWS_CLOUDHSM';
  if (type === 'AWS_CLOUDHSM') throw notDone('custom key stores of the type AWS_CLOUDHSM');
  const connectivity = input.oneOf('XksProxyConnectivity', connectivities);
  const credential = readCredential(input);
  if (connectivity === undefined || credential === undefined)
    throw validation(
      'An external key store needs XksProxyConnectivity, XksProxyUriEndpoint, XksProxyUriPath and XksProxyAuthenticationCredential',
    );
  return consistent({
    name: input.text('CustomKeyStoreName', rules.CustomKeyStoreName),
    connectivity,
    uriEndpoint: readEndpoint(input.text('XksProxyUriEndpoint', rules.XksProxyUriEndpoint)),
    uriPath: input.text('XksProxyUriPath', rules.XksProxyUriPath),
    credential,
    ...readVpcService(input),
  });
}

/** What UpdateCustomKeyStore asks to change. */
export function readChanges(input: Input): Partial<StoreSettings> {
  for (const foreign of ['KeyStorePassword', 'CloudHsmClusterId'])
    if (input.has(foreign)) throw validation(`${foreign} is not a setting of an external key store`);
  const name = input.optionalText('NewCustomKeyStoreName', rules.CustomKeyStoreName);
  const uriEndpoint = input.optionalText('XksProxyUriEndpoint', rules.XksProxyUriEndpoint);
  const uriPath = input.optionalText('XksProxyUriPath', rules.XksProxyUriPath);
  const connectivity = input.oneOf('XksProxyConnectivity', connectivities);
  const credential = readCredential(input);
  return {
    ...(name === undefined ? {} : { name }),
    ...(uriEndpoint === undefined ? {} : { uriEndpoint: readEndpoint(uriEndpoint) }),
    ...(uriPath === undefined ? {} : { uriPath }),
    ...(connectivity === undefined ? {} : { connectivity }),
    ...(credential === undefined ? {} : { credential }),
    ...readVpcService(input),
  };
}

/** The settings after a change. Changing to another connectivity takes another endpoint too. */
export function changed(settings: StoreSettings, changes: Partial<StoreSettings>): StoreSettings {
  const after = { ...settings, ...changes };
  if (after.connectivity === settings.connectivity) return consistent(after);
  if (changes.uriEndpoint === undefined)
    throw validation('Another XksProxyConnectivity takes another XksProxyUriEndpoint too');
  if (after.connectivity === 'VPC_ENDPOINT_SERVICE') return consistent(after);
  const { vpcEndpointServiceName: _, vpcEndpointServiceOwner: __, ...rest } = after;
  return consistent(rest);
}

/** Whether these changes wait until the key store is disconnected (developer guide, "Editing external key store properties"). */
export function needDisconnected(changes: Partial<StoreSettings>): boolean {
  return (
    changes.connectivity !== undefined ||
    changes.uriEndpoint !== undefined ||
    changes.vpcEndpointServiceName !== undefined ||
    changes.vpcEndpointServiceOwner !== undefined
  );
}

/** Throws where another key store has what must be this one's alone. `others` are of all accounts in the Region. */
export function refuseDuplicates(
  settings: StoreSettings,
  { id, accountId }: { id?: string; accountId: string },
  others: readonly KeyStore[],
): void {
  const host = settings.uriEndpoint.toLowerCase();
  for (const other of others) {
    if (other.id === id) continue;
    const sameHost = other.settings.uriEndpoint.toLowerCase() === host;
    const own = other.accountId === accountId;
    if (own && other.settings.name === settings.name)
      throw kmsError('CustomKeyStoreNameInUseException', 'Another custom key store has this name');
    if (own && sameHost && other.settings.uriPath === settings.uriPath)
      throw kmsError(
        'XksProxyUriInUseException',
        'Another external key store of the account and Region has this URI endpoint and path',
      );
    if (sameHost && other.settings.connectivity !== settings.connectivity)
      throw kmsError(
        'XksProxyUriEndpointInUseException',
        'An external key store of the Region has this URI endpoint with another connectivity',
      );
    if (settings.connectivity !== 'VPC_ENDPOINT_SERVICE') continue;
    if (own && sameHost)
      throw kmsError(
        'XksProxyUriEndpointInUseException',
        'Each external key store with a VPC endpoint service needs a private DNS name of its own',
      );
    if (other.settings.vpcEndpointServiceName === settings.vpcEndpointServiceName)
      throw kmsError(
        'XksProxyVpcEndpointServiceInUseException',
        'Another external key store of the Region has this VPC endpoint service',
      );
  }
}

function consistent(settings: StoreSettings): StoreSettings {
  const vpc = settings.connectivity === 'VPC_ENDPOINT_SERVICE';
  if (vpc && settings.vpcEndpointServiceName === undefined)
    throw validation('VPC_ENDPOINT_SERVICE takes an XksProxyVpcEndpointServiceName');
  if (!vpc && (settings.vpcEndpointServiceName ?? settings.vpcEndpointServiceOwner) !== undefined)
    throw validation('PUBLIC_ENDPOINT takes no VPC endpoint service');
  return settings;
}

/** A fully qualified name (XKS spec, API operations): no address, no single label. */
function readEndpoint(endpoint: string): string {
  const host = endpoint.slice('https://'.length);
  if (!/^(?!-)[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*\.[a-zA-Z][a-zA-Z0-9-]*$/.test(host))
    throw validation(
      'XksProxyUriEndpoint must be https:// and a fully qualified domain name, without a port',
    );
  return endpoint;
}

function readCredential(input: Input): XksCredential | undefined {
  const credential = input.object('XksProxyAuthenticationCredential');
  if (credential === undefined) return undefined;
  return {
    accessKeyId: credential.text('AccessKeyId', rules.AccessKeyId),
    secretAccessKey: credential.text('RawSecretAccessKey', rules.RawSecretAccessKey),
  };
}

/** An empty service name is none: so a key store is moved to a public endpoint. */
function readVpcService(input: Input) {
  const name = input.optionalText('XksProxyVpcEndpointServiceName', { min: 0 });
  const owner = input.optionalText('XksProxyVpcEndpointServiceOwner', rules.XksProxyVpcEndpointServiceOwner);
  return {
    ...(name === undefined || name === ''
      ? {}
      : {
          vpcEndpointServiceName: input.text(
            'XksProxyVpcEndpointServiceName',
            rules.XksProxyVpcEndpointServiceName,
          ),
        }),
    ...(owner === undefined ? {} : { vpcEndpointServiceOwner: owner }),
  };
}
