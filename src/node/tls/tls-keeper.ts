import type { X509Certificate } from 'node:crypto';
import type { NodeFacts } from '../../admin/services.ts';
import { wallClock } from '../../clock.ts';
import type { LoadedConfig } from '../../config/load.ts';
import type { Logger } from '../../log.ts';
import { certificatesIn, judge, losses, outOfDate, renewalDue } from '../../http/certificate.ts';
import { fingerprint, loadTls, type LoadedTls } from '../../http/tls.ts';

/** Milliseconds. */
const checkInterval = 2_000;
/** How often it is told again what needs somebody, milliseconds. */
const reminderInterval = 24 * 3_600_000;

export interface TlsKeeperOptions {
  files: LoadedConfig['xks']['tls'];
  /** Name that clients connect to, where the configuration has it. */
  host: string | undefined;
  log: Logger;
  /** Other files are in use now. */
  onChange: () => void;
  /** How often to look whether files changed, milliseconds. */
  interval?: number;
  now?: () => Date;
}

/**
 * Certificate, key and client CAs of a listener, held by the supervisor: whatever becomes of the files, the last that were
 * good are served, by a worker that is started meanwhile as well. New files are taken up once they can be used; what every
 * client would refuse, for its dates, does not take the place of what they accept.
 */
export class TlsKeeper {
  readonly #options: TlsKeeperOptions;
  readonly #now: () => Date;
  readonly #timers: NodeJS.Timeout[];
  #served: LoadedTls;
  #chain: X509Certificate[];
  #fingerprint: string;
  /** Of files that were seen to have changed at the last look: two files are not put in place at one moment. */
  #changing = '';
  /** Well-formed, and out of date: the moment may come. */
  #waiting: LoadedTls | undefined;
  /** Why the files that are in place are not those that are served. */
  #refused: string | undefined;

  /** Throws TlsError where the files cannot be used. */
  constructor(options: TlsKeeperOptions) {
    this.#options = options;
    this.#now = options.now ?? wallClock;
    this.#fingerprint = fingerprint(options.files);
    this.#served = loadTls(options.files);
    this.#chain = certificatesIn(this.#served.cert);
    this.#timers = [
      setInterval(() => this.#check(), options.interval ?? checkInterval).unref(),
      setInterval(() => this.#remind(), reminderInterval).unref(),
    ];
  }

  get served(): LoadedTls {
    return this.#served;
  }

  /** What these listeners present, and until when. */
  presented(listeners: ('xks' | 'management')[]): NodeFacts['certificates'] {
    const [leaf] = this.#chain;
    if (leaf === undefined) return [];
    return [
      {
        listeners,
        subject: leaf.subject?.replaceAll('\n', ', ') ?? '',
        expiresAt: leaf.validToDate.toISOString(),
        ...(this.#refused === undefined ? {} : { refused: this.#refused }),
      },
    ];
  }

  /** Reads the files again, changed or not. */
  reload(): void {
    const { files } = this.#options;
    this.#fingerprint = fingerprint(files);
    this.#waiting = undefined;
    try {
      this.#judge(loadTls(files));
    } catch (error) {
      this.#refuse((error as Error).message);
    }
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #check(): void {
    const seen = fingerprint(this.#options.files);
    if (seen !== '' && seen !== this.#fingerprint) {
      if (seen === this.#changing) this.reload();
      else this.#changing = seen;
    } else if (this.#waiting !== undefined && this.#whyNot(this.#waiting) === undefined)
      this.#take(this.#waiting);
  }

  #judge(next: LoadedTls): void {
    const why = this.#whyNot(next);
    if (why === undefined) {
      this.#take(next);
      return;
    }
    this.#waiting = next;
    this.#refuse(`${this.#options.files.certificate}: the certificate ${why}`);
  }

  /** Why it must not take the place of what is served. Where that is out of date itself there is nothing to lose. */
  #whyNot(next: LoadedTls): string | undefined {
    const now = this.#now();
    const [leaf] = certificatesIn(next.cert);
    const [served] = this.#chain;
    if (leaf === undefined || served === undefined || outOfDate(served, now) !== undefined) return undefined;
    return outOfDate(leaf, now);
  }

  #take(next: LoadedTls): void {
    const { files, host, log, onChange } = this.#options;
    const chain = certificatesIn(next.cert);
    const { problems, warnings } = judge(chain, this.#now(), host);
    for (const problem of new Set([...problems, ...warnings, ...losses(this.#chain, chain)]))
      log.warn({ problem: `${files.certificate}: ${problem}` }, 'TLS certificate taken into use');
    this.#served = next;
    this.#chain = chain;
    this.#waiting = undefined;
    this.#refused = undefined;
    onChange();
  }

  #refuse(problem: string): void {
    this.#refused = problem;
    this.#options.log.error(
      { problem, serving: this.#chain[0]?.validToDate.toISOString() },
      'TLS certificate not changed: the new files cannot be used',
    );
  }

  #remind(): void {
    if (this.#refused !== undefined) this.#refuse(this.#refused);
    const end = this.#chain[0]?.validToDate;
    if (end !== undefined && end.getTime() - this.#now().getTime() < renewalDue)
      this.#options.log.warn({ notAfter: end.toISOString() }, 'TLS certificate ends soon: renew it');
  }
}
