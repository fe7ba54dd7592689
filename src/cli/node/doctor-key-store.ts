import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { Finding } from '../../doctor/finding.ts';
import { at, type ItemOf } from '../client/address.ts';
import { apiOptions, withApi, type ApiOptions } from '../client/api.ts';
import { CliError } from '../output/cli-error.ts';
import { note } from '../output/streams.ts';

/* The doctor for an external key store on record: where it is is asked of the API, and what was found is kept with it there. */

type KeyStore = ItemOf<'/vaults/{vaultId}/external-key-stores'>;

interface Asked {
  endpoint?: string;
  externalKeyStore?: string;
}

/** By name or id, of the vault that is signed in to. */
export async function findKeyStore(
  command: Command,
  { endpoint, externalKeyStore = '' }: Asked,
): Promise<KeyStore> {
  // Beside an external key store it would be that of the XKS proxy.
  if (command.getOptionValueSource('endpoint') === 'cli' && endpoint !== undefined)
    throw new CliError('usage', 'an endpoint, or an external key store: not both');
  return withApi(
    command,
    async ({ client, inVault }) => {
      const all = await client.list(inVault('/external-key-stores'));
      const found = all.filter(({ id, name }) => id === externalKeyStore || name === externalKeyStore);
      const [store, ...others] = found;
      if (store === undefined)
        throw new CliError(
          'notFound',
          `there is no external key store ${externalKeyStore}`,
          'see: holdfast external-key-store list',
        );
      if (others.length > 0)
        throw new CliError(
          'usage',
          `several external key stores are called ${externalKeyStore}`,
          `name one by id: ${found.map(({ id }) => id).join(', ')}`,
        );
      return store;
    },
    ofApi(command),
  );
}

export function endpointOf({ uriEndpoint, connectivity }: KeyStore): { endpoint: string; vpc: boolean } {
  return { endpoint: uriEndpoint, vpc: connectivity === 'VPC_ENDPOINT_SERVICE' };
}

/** What the API takes: so many findings, in a body of 64 KiB with what stands around them. */
const mostFindings = 100;
const mostBytes = 60 * 1024;

/** Worst first: what is left out where there are too many is what needs nobody. */
const order: readonly Finding['level'][] = ['PROBLEM', 'WARNING', 'SKIPPED', 'OK'];

/**
 * What is kept. Nothing about the node that the doctor ran on, where that was looked at as well: a vault's users would read of
 * its files, tokens and configuration.
 */
export function findingsToKeep(findings: readonly Finding[]) {
  const ofEndpoint = findings
    .filter(({ group }) => group !== 'node')
    .toSorted((one, other) => order.indexOf(one.level) - order.indexOf(other.level))
    .map(reported);
  let bytes = 0;
  const kept = ofEndpoint.slice(0, mostFindings).filter((one) => {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1;
    return bytes <= mostBytes;
  });
  return { kept, leftOut: ofEndpoint.length - kept.length };
}

export async function handIn(
  command: Command,
  { keySetId, id, name }: KeyStore,
  endpoint: string,
  findings: readonly Finding[],
): Promise<void> {
  const { kept, leftOut } = findingsToKeep(findings);
  await withApi(
    command,
    async ({ client, vaultId = '' }) => {
      const path =
        '/vaults/{vaultId}/key-sets/{keySetId}/external-key-stores/{externalKeyStoreId}/doctor-report';
      const body = {
        hostname: plain(hostname(), 253),
        endpoint: plain(endpoint, 300),
        findings: kept,
      };
      await client.send('PUT', at(path, { vaultId, keySetId, externalKeyStoreId: id }), { body });
    },
    ofApi(command),
  );
  note(
    leftOut === 0
      ? `holdfast: the findings are kept with the external key store ${name}`
      : `holdfast: the ${kept.length} worst findings are kept with the external key store ${name}; ${leftOut} more are not`,
  );
}

function reported({ id, level, title, subject, seen, why, remediation }: Finding) {
  return {
    ...{ id, level, title: plain(title, 120), why: plain(why, 600), seen: plain(seen, 1000) },
    subject: subject === null ? null : plain(subject, 200),
    remediation: remediation === null ? null : plain(remediation, 1000),
  };
}

/** What the API takes: what a certificate or a header of somebody else says may have anything in it. */
function plain(text: string, most: number): string {
  return (
    text
      .replaceAll(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\p{Zl}\p{Zp}]+/gu, ' ')
      .slice(0, most)
      // Where it was cut within a character.
      .toWellFormed()
  );
}

/** Of the doctor's own options these two are about the XKS proxy. */
function ofApi(command: Command): ApiOptions {
  const { endpoint: _, ca: __, ...options } = apiOptions(command);
  return options;
}
