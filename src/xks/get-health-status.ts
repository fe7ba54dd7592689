import { withOthers } from './fleet-tokens.ts';
import type { XksCall, XksServices } from './operation.ts';
import { getHealthStatusRequest, parseBody } from './wire.ts';

/**
 * GetHealthStatus (XKS spec, API operations): each HSM that holds keys of a token that the vault may use its own entry, the key set's first,
 * then those that only other nodes have. What other tokens there are is no business of this vault. The status comes from encrypting and decrypting with a
 * test key of its own on every token host, done on our own schedule and less than a minute ago.
 */
export async function getHealthStatus(services: XksServices, call: XksCall): Promise<object> {
  const request = parseBody(getHealthStatusRequest, call.body);
  call.facts.metadata = request.requestMetadata;
  const own = services.tokens.pool(call.keySet.token);
  const pools = [
    own,
    ...services.tokens.all.filter((pool) => pool !== own && call.keySet.vaultTokens.includes(pool.name)),
  ];
  return Promise.resolve({
    xksProxyFleetSize: services.fleet.size,
    xksProxyVendor: 'Holdfast',
    xksProxyModel: `Holdfast ${services.version}`,
    ekmVendor: services.tokenFacts(own.name).vendor,
    ekmFleetDetails: withOthers(
      pools.flatMap((pool) =>
        pool.members.map((id) => ({
          id,
          model: services.tokenFacts(pool.name).model,
          healthStatus: pool.healthOf(id),
        })),
      ),
      services.fleet.tokens.filter(({ name }) => call.keySet.vaultTokens.includes(name)),
    ).slice(0, 10),
  });
}
