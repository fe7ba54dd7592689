import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { BodyOf } from '../api/operation-types.ts';

type Connectivity = Schemas['ExternalKeyStore']['connectivity'];

/** How AWS reaches the key set. */
export interface ReachForm {
  uriEndpoint: string;
  connectivity: Connectivity;
  /** VPC endpoint service, and the AWS account that owns it. */
  service: string;
  owner: string;
}

/** What is typed of an external key store that is to be made. */
export interface StoreForm extends ReachForm {
  region: string;
  name: string;
  byHand: boolean;
  connect: boolean;
}

export const emptyStore: StoreForm = {
  region: '',
  name: '',
  uriEndpoint: '',
  connectivity: 'PUBLIC_ENDPOINT',
  service: '',
  owner: '',
  byHand: false,
  connect: true,
};

/** Fields that tell their own problems. */
export const toldByReachFields = [
  '/uriEndpoint',
  '/connectivity',
  '/vpcEndpointServiceName',
  '/vpcEndpointServiceOwner',
];
export const toldByStoreFields = ['/region', '/name', ...toldByReachFields];

/** By which Holdfast would make it in AWS; undefined where there is none. */
export type StoreAccount = Pick<Schemas['CspAccount'], 'type' | 'defaultRegion'> | undefined;

/** The form with what follows from the CSP account: its Region, and that without one everything is done manually. */
export function settled(form: StoreForm, account: StoreAccount): StoreForm {
  const signsIn = account !== undefined && account.type !== 'manual';
  const region = form.region === '' ? (account?.defaultRegion ?? '') : form.region;
  return { ...form, region, byHand: form.byHand || !signsIn };
}

export function storeBody(form: StoreForm): BodyOf<'createExternalKeyStore'> {
  return {
    region: form.region,
    ...(form.name === '' ? {} : { name: form.name }),
    ...(form.uriEndpoint === '' ? {} : { uriEndpoint: form.uriEndpoint }),
    connectivity: form.connectivity,
    ...(form.connectivity === 'VPC_ENDPOINT_SERVICE'
      ? {
          vpcEndpointServiceName: form.service,
          ...(form.owner === '' ? {} : { vpcEndpointServiceOwner: form.owner }),
        }
      : {}),
    make: !form.byHand,
    connect: !form.byHand && form.connect,
  };
}
