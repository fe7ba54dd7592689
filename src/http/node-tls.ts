import { wallClock } from '../clock.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Logger } from '../log.ts';
import { certificatesIn, judge } from './certificate.ts';
import { TlsKeeper } from './tls-keeper.ts';
import { loadTls, type LoadedTls } from './tls.ts';

export interface NodeTlsOptions {
  config: Pick<LoadedConfig, 'xks' | 'admin'>;
  log: Logger;
  /** Of the XKS workers. */
  onXks: (tls: LoadedTls) => void;
  /** Of the management process. */
  onManagement: (tls: LoadedTls) => void;
}

/** What the two listeners of a node are made with, which may come out of the same files. */
export class NodeTls {
  readonly #xks: TlsKeeper;
  /** Where the management API has files of its own. */
  readonly #management: TlsKeeper | undefined;

  /** Throws TlsError where the files cannot be used. */
  constructor({ config, log, onXks, onManagement }: NodeTlsOptions) {
    const { admin, xks } = config;
    const host = admin.enabled ? hostOf(admin.public_url) : undefined;
    const apart =
      admin.enabled && (admin.tls.certificate !== xks.tls.certificate || admin.tls.key !== xks.tls.key);
    this.#xks = new TlsKeeper({
      files: xks.tls,
      host: apart ? undefined : host,
      log,
      onChange: () => {
        onXks(this.xks);
        if (!apart && admin.enabled) onManagement(this.management);
      },
    });
    if (apart)
      this.#management = new TlsKeeper({
        files: admin.tls,
        host,
        log,
        onChange: () => onManagement(this.management),
      });
  }

  get xks(): LoadedTls {
    return this.#xks.served;
  }

  get management(): LoadedTls {
    if (this.#management !== undefined) return this.#management.served;
    // Client certificates are AWS's.
    const { ca: _, ...tls } = this.#xks.served;
    return tls;
  }

  /** Reads the files again, changed or not. */
  reload(): void {
    this.#xks.reload();
    this.#management?.reload();
  }

  stop(): void {
    this.#xks.stop();
    this.#management?.stop();
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
