import type { NodeFacts } from '../../admin/services.ts';
import { wallClock } from '../../clock.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Logger } from '../../log.ts';
import { certificatesIn, judge } from '../../http/certificate.ts';
import { TicketKeys, type TicketKey } from '../../http/session-tickets.ts';
import { TlsKeeper } from './tls-keeper.ts';
import { loadTls, type LoadedTls } from '../../http/tls.ts';

export interface NodeTlsOptions {
  config: Pick<LoadedConfig, 'xks' | 'admin'>;
  log: Logger;
  /** To every XKS worker. */
  tellXks: (message: TlsMessage) => void;
  tellManagement: (message: TlsMessage) => void;
}

/** What a worker's listener is made with. */
export interface ServedTls {
  tls: LoadedTls;
  ticketKeys: readonly TicketKey[];
}

export type TlsMessage =
  /** Another certificate is in use now. */
  | { kind: 'tls'; tls: LoadedTls }
  /** Session tickets are sealed with another key now. */
  | { kind: 'ticket-keys'; ticketKeys: readonly TicketKey[] };

/** What the two listeners of a node are made with, which may come out of the same files. */
export class NodeTls {
  readonly #config: NodeTlsOptions['config'];
  readonly #xks: TlsKeeper;
  /** Where the management API has files of its own. */
  readonly #management: TlsKeeper | undefined;
  readonly #xksTickets: TicketKeys;
  readonly #managementTickets: TicketKeys;

  /** Throws TlsError where the files cannot be used. */
  constructor({ config, log, tellXks, tellManagement }: NodeTlsOptions) {
    this.#config = config;
    const { admin, xks } = config;
    const host = admin.enabled ? hostOf(admin.public_url) : undefined;
    const apart =
      admin.enabled && (admin.tls.certificate !== xks.tls.certificate || admin.tls.key !== xks.tls.key);
    this.#xks = new TlsKeeper({
      files: xks.tls,
      host: apart ? undefined : host,
      log,
      onChange: () => {
        tellXks({ kind: 'tls', tls: this.xks.tls });
        if (!apart && admin.enabled) tellManagement({ kind: 'tls', tls: this.management.tls });
      },
    });
    if (apart)
      this.#management = new TlsKeeper({
        files: admin.tls,
        host,
        log,
        onChange: () => tellManagement({ kind: 'tls', tls: this.management.tls }),
      });
    // A ticket of one port says nothing to the other, where client certificates are not asked for.
    this.#xksTickets = new TicketKeys((ticketKeys) => tellXks({ kind: 'ticket-keys', ticketKeys }));
    this.#managementTickets = new TicketKeys((ticketKeys) =>
      tellManagement({ kind: 'ticket-keys', ticketKeys }),
    );
  }

  get xks(): ServedTls {
    return { tls: this.#xks.served, ticketKeys: this.#xksTickets.keys };
  }

  get management(): ServedTls {
    // Client certificates are AWS's.
    const { ca: _, ...shared } = this.#xks.served;
    return { tls: this.#management?.served ?? shared, ticketKeys: this.#managementTickets.keys };
  }

  /** What the listeners present. */
  get certificates(): NodeFacts['certificates'] {
    const { admin } = this.#config;
    const apart = this.#management;
    return [
      ...this.#xks.presented([
        'xks',
        ...(apart === undefined && admin.enabled ? ['management' as const] : []),
      ]),
      ...(apart?.presented(['management']) ?? []),
    ];
  }

  /** Reads the files again, changed or not. */
  reload(): void {
    this.#xks.reload();
    this.#management?.reload();
  }

  stop(): void {
    this.#xks.stop();
    this.#management?.stop();
    this.#xksTickets.stop();
    this.#managementTickets.stop();
  }
}

/** The host of a URL, an address without its brackets. */
export function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** What is wrong with files that can be used: told at each start. Throws TlsError where they cannot. */
export function tlsWarnings({ xks, admin }: Pick<LoadedConfig, 'xks' | 'admin'>): string[] {
  const of = (files: LoadedConfig['xks']['tls'], host: string | undefined) => {
    const { problems, warnings } = judge(certificatesIn(loadTls(files).cert), wallClock(), host);
    return [...problems, ...warnings].map((problem) => `${files.certificate}: ${problem}`);
  };
  const ofManagement = admin.enabled ? of(admin.tls, hostOf(admin.public_url)) : [];
  return [...new Set([...of(xks.tls, undefined), ...ofManagement])];
}
