import type { StoreSettings } from './records.ts';

/** A VPC endpoint service as its owner has configured it: what KMS looks at before it connects (developer guide, VPC connectivity). */
export interface VpcEndpointService {
  /** `com.amazonaws.vpce.eu-west-1.vpce-svc-…`; the Region is in the name. */
  readonly name: string;
  readonly ownerAccountId: string;
  readonly privateDnsName: string;
  /** All below: as KMS needs it unless given. */
  readonly loadBalancer?: 'network' | 'gateway';
  readonly availabilityZones?: number;
  readonly acceptanceRequired?: boolean;
  /** `cks.kms.<region>.amazonaws.com`, or `*`. */
  readonly allowedPrincipals?: readonly string[];
  readonly domainVerified?: boolean;
}

export type VpcProblem = { readonly kind: 'not-found' | 'invalid'; readonly message: string };

/** The VPC endpoint services there are. Tests and demos put them here; KMS only looks. */
export class VpcEndpointServices {
  readonly #services = new Map<string, VpcEndpointService>();

  /** Adds it, or puts it in the place of the one with the same name. */
  put(service: VpcEndpointService): void {
    this.#services.set(service.name, service);
  }

  remove(name: string): void {
    this.#services.delete(name);
  }

  /** What keeps KMS from using the service that these settings name. */
  problem(
    settings: Pick<StoreSettings, 'uriEndpoint' | 'vpcEndpointServiceName' | 'vpcEndpointServiceOwner'>,
    { accountId, region }: { accountId: string; region: string },
  ): VpcProblem | undefined {
    const name = settings.vpcEndpointServiceName ?? '';
    const service = this.#services.get(name);
    const owner = settings.vpcEndpointServiceOwner ?? accountId;
    if (service === undefined || service.ownerAccountId !== owner || !name.includes(`.${region}.`))
      return {
        kind: 'not-found',
        message: 'KMS finds no VPC endpoint service of this name, owner and Region',
      };
    const principal = `cks.kms.${region}.amazonaws.com`;
    const allowed = service.allowedPrincipals ?? [principal];
    if (!allowed.includes(principal) && !allowed.includes('*'))
      return {
        kind: 'not-found',
        message: `The VPC endpoint service does not allow the principal ${principal}`,
      };
    const message = misconfiguration(service, settings.uriEndpoint);
    return message === undefined ? undefined : { kind: 'invalid', message };
  }
}

function misconfiguration(service: VpcEndpointService, uriEndpoint: string): string | undefined {
  if (service.loadBalancer === 'gateway') return 'The VPC endpoint service must have a network load balancer';
  if ((service.availabilityZones ?? 2) < 2)
    return 'The load balancer needs subnets in at least two Availability Zones';
  if (service.acceptanceRequired === true)
    return 'The VPC endpoint service must not require acceptance of connections';
  if (service.domainVerified === false)
    return 'The domain of the private DNS name of the VPC endpoint service is not verified';
  if (uriEndpoint.toLowerCase() !== `https://${service.privateDnsName.toLowerCase()}`)
    return 'The URI endpoint must be https:// and the private DNS name of the VPC endpoint service';
  return undefined;
}
