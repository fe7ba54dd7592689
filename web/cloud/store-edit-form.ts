import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { BodyOf } from '../api/operation-types.ts';
import type { Fact } from '../parts/seen.tsx';
import { stateWord } from '../parts/state.tsx';
import { stores as t } from '../texts/cloud.ts';
import type { ReachForm } from './store-form.ts';

type Store = Schemas['ExternalKeyStore'];

/** States that a person may say an external key store is in. */
export const toldStates = ['CONNECTED', 'DISCONNECTED', 'FAILED', 'UNKNOWN'] as const;

/** What of an external key store can be changed, as somebody types it. */
export interface StoreEditForm extends ReachForm {
  name: string;
  restorePath: boolean;
  /** Of one that Holdfast changes in AWS. */
  disconnect: boolean;
  /** The rest is of one that a person looks after: what AWS shows of it. */
  customKeyStoreId: string;
  state: (typeof toldStates)[number];
  connectionError: string;
}

export function storeEditForm(store: Store): StoreEditForm {
  return {
    name: store.name,
    uriEndpoint: store.uriEndpoint,
    connectivity: store.connectivity,
    service: store.vpcEndpointServiceName ?? '',
    owner: store.vpcEndpointServiceOwner ?? '',
    restorePath: false,
    disconnect: false,
    customKeyStoreId: store.customKeyStoreId ?? '',
    state: toldStates.find((one) => one === store.state) ?? 'UNKNOWN',
    connectionError: store.connectionError?.code ?? '',
  };
}

/** What is sent of what differs from what is there. */
export function storeEditBody(form: StoreEditForm, there: Store): BodyOf<'updateExternalKeyStore'> {
  const before = storeEditForm(there);
  const changed = <Name extends keyof StoreEditForm>(name: Name) =>
    form[name] === before[name] ? undefined : form[name];
  const isByHand = there.origin === 'MANUAL';
  const isVpc = form.connectivity === 'VPC_ENDPOINT_SERVICE';
  const body: BodyOf<'updateExternalKeyStore'> = {
    name: changed('name'),
    connectivity: changed('connectivity'),
    uriEndpoint: changed('uriEndpoint'),
    ...(isVpc
      ? { vpcEndpointServiceName: changed('service'), vpcEndpointServiceOwner: changed('owner') }
      : {}),
    ...(form.restorePath ? { restorePath: true } : {}),
    ...(form.disconnect && !isByHand ? { disconnect: true } : {}),
    ...(isByHand
      ? {
          customKeyStoreId: changed('customKeyStoreId'),
          // Looked at in AWS just now, also where it is as it was.
          state: form.state,
          ...(form.state === 'FAILED' && form.connectionError !== ''
            ? { connectionError: form.connectionError }
            : {}),
        }
      : {}),
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

export function factsOfStore(store: Store): readonly Fact[] {
  const { name, uriEndpoint, connectivity, state, wanted, customKeyStoreId } = store;
  return [
    [t.name, name],
    [t.endpoint, uriEndpoint],
    [t.connectivity, t.connectivities[connectivity]],
    [t.service, store.vpcEndpointServiceName ?? ''],
    [t.owner, store.vpcEndpointServiceOwner ?? ''],
    [t.state, wanted === null ? stateWord(state) : `${stateWord(state)}, ${t.wanted[wanted]}`],
    [t.tellId, customKeyStoreId ?? ''],
  ];
}
