import type { Scrape } from '../../metrics/exposition/scrape.ts';
import type { AdminServices, NodeFacts } from '../services.ts';
import { tokenStatuses } from '../status/findings.ts';
import { diskOf } from '../status/status.ts';

/** What the processes of this node know of tokens, certificates and the disk: no store is asked. */
export function tellFacts(scrape: Scrape, services: AdminServices, facts: NodeFacts | undefined): void {
  tellTokens(scrape, services, facts);
  tellMembers(scrape, facts);
  tellCertificates(scrape, facts);
  const disk = diskOf(services);
  scrape.tell('holdfast_store_disk_free_bytes', {}, disk?.free);
  scrape.tell('holdfast_store_disk_size_bytes', {}, disk?.total);
  scrape.tell('holdfast_store_reserve_bytes', {}, disk?.reserve);
  scrape.tell('holdfast_store_reserve_wanted_bytes', {}, disk?.wholeReserve);
  for (const [state, count] of Object.entries(services.storeConnections?.() ?? {}))
    scrape.tell('holdfast_store_connections', { state }, count);
}

function tellTokens(scrape: Scrape, services: AdminServices, facts: NodeFacts | undefined): void {
  const names = services.tokenFacts.map(({ name }) => name);
  for (const status of tokenStatuses(services, names, facts)) {
    const { name: token, health: now, hosts, hostsUp, pinRefused } = status;
    for (const health of ['ACTIVE', 'DEGRADED', 'UNAVAILABLE'])
      scrape.tell('holdfast_token_health', { token, health }, health === now ? 1 : 0);
    scrape.tell('holdfast_token_hosts_wanted', { token }, hosts ?? undefined);
    scrape.tell('holdfast_token_hosts_up', { token }, hostsUp ?? undefined);
    scrape.tell('holdfast_token_pin_refused', { token }, pinRefused ? 1 : 0);
  }
}

function tellMembers(scrape: Scrape, facts: NodeFacts | undefined): void {
  for (const { name: token, members } of facts?.tokens ?? [])
    for (const { name: member, hosts, up } of members.length > 1 ? members : []) {
      scrape.tell('holdfast_token_member_hosts_wanted', { token, member }, hosts);
      scrape.tell('holdfast_token_member_hosts_up', { token, member }, up);
    }
}

function tellCertificates(scrape: Scrape, facts: NodeFacts | undefined): void {
  for (const { listeners, subject, expiresAt, refused } of facts?.certificates ?? [])
    for (const listener of listeners) {
      const of = { listener, subject };
      const expiry = Date.parse(expiresAt) / 1_000;
      scrape.tell('holdfast_certificate_expiry_timestamp_seconds', of, expiry);
      scrape.tell('holdfast_certificate_refused', of, refused === undefined ? 0 : 1);
    }
}
