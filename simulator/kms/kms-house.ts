import type { House } from '../house.ts';
import type { Connections } from './connections.ts';
import type { Proxies } from './proxies.ts';
import type { Quotas } from './quotas.ts';
import type { KmsState } from './state.ts';
import type { VpcEndpointServices } from './vpc-endpoint-services.ts';

/** What the operations of KMS work with. */
export interface Kms {
  readonly house: House;
  readonly state: KmsState;
  readonly proxies: Proxies;
  readonly connections: Connections;
  readonly quotas: Quotas;
  readonly vpcEndpointServices: VpcEndpointServices;
  /** Store and external key id of CreateKeys that still ask the proxy. */
  readonly reserved: Set<string>;
  /** See `KmsControls.slowUpdates`. */
  slowUpdates: boolean;
}
