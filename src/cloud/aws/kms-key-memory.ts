import { monotonicNow } from '../../clock.ts';

/** What never changes of a KMS key: which external key it refers to, and through which key store. */
export interface KmsKeyFacts {
  keyId: string;
  arn: string;
  /** `cks-…`; '' for one that is in no custom key store. */
  customKeyStoreId: string;
  /** External key id; '' for one of another origin. */
  xksKeyId: string;
}

export interface KmsKeyPage {
  keyIds: string[];
  next: string | undefined;
}

/** Who looks for a key. */
export interface Looker {
  looker: string;
  /** What was fetched longer ago, milliseconds, cannot show what it looks for. */
  freshness: number;
}

interface Page {
  at: number;
  page: Promise<KmsKeyPage>;
  shownTo: Set<string>;
}

/** Of so many KMS keys of an account and Region the facts are remembered; the oldest go first. */
const maxKeys = 20_000;
/** That AWS does not let us look at a KMS key serves others for so long, milliseconds: its policy may be changed. */
const deniedAge = 60_000;
/** A page of ListKeys serves all who ask for it within so many milliseconds: AWS is no more up to date than that. */
const pageAge = 1_000;
/** Nothing is remembered once nobody has looked for so long, milliseconds. */
const idleTime = 10 * 60_000;

/**
 * The KMS keys of one account and Region, for those who look for one among them: of a hundred KMS key records that look at the
 * same time each page is fetched once, and each KMS key is described once, but for those who ask while AWS is answering.
 */
export class KmsKeyMemory {
  readonly #facts = new Map<string, KmsKeyFacts>();
  /** When AWS denied a look at a KMS key, and to whom that was told. */
  readonly #denied = new Map<string, { at: number; shownTo: Set<string> }>();
  readonly #pages = new Map<string, Page>();
  #idle: NodeJS.Timeout | undefined;

  /** The page after `marker`, as it was fetched within `freshness` milliseconds, and never shown to this looker before. */
  async page(
    marker: string,
    { looker, freshness }: Looker,
    fetch: () => Promise<KmsKeyPage>,
  ): Promise<KmsKeyPage> {
    this.#used();
    const now = monotonicNow();
    for (const [name, { at }] of this.#pages) if (now - at >= pageAge) this.#pages.delete(name);
    const known = this.#pages.get(marker);
    if (known !== undefined && now - known.at < freshness && !known.shownTo.has(looker)) {
      known.shownTo.add(looker);
      return known.page;
    }
    const page = fetch();
    const entry = { at: now, page, shownTo: new Set([looker]) };
    this.#pages.set(marker, entry);
    page.catch(() => {
      if (this.#pages.get(marker) === entry) this.#pages.delete(marker);
    });
    return page;
  }

  /**
   * Undefined for a key that cannot be looked at. One that `look` does not find is asked for again the next time; one that
   * is `denied` by whoever was told so already: who comes after the answer does not ask, and who looks again asks anew.
   */
  async facts<T extends KmsKeyFacts>(
    keyId: string,
    looker: string,
    look: () => Promise<T | 'denied' | undefined>,
  ): Promise<KmsKeyFacts | undefined> {
    const known = this.#facts.get(keyId);
    if (known !== undefined) return known;
    if (this.#isDeniedTo(keyId, looker)) return undefined;
    const seen = await look();
    if (seen === 'denied') remember(this.#denied, keyId, { at: monotonicNow(), shownTo: new Set([looker]) });
    if (seen === undefined || seen === 'denied') return undefined;
    this.#denied.delete(keyId);
    const { arn, customKeyStoreId, xksKeyId } = seen;
    const facts = { keyId, arn, customKeyStoreId, xksKeyId };
    remember(this.#facts, keyId, facts);
    return facts;
  }

  #isDeniedTo(keyId: string, looker: string): boolean {
    const denied = this.#denied.get(keyId);
    if (denied === undefined || monotonicNow() - denied.at >= deniedAge || denied.shownTo.has(looker))
      return false;
    denied.shownTo.add(looker);
    return true;
  }

  #used(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      this.#facts.clear();
      this.#denied.clear();
      this.#pages.clear();
    }, idleTime).unref();
  }
}

function remember<T>(among: Map<string, T>, keyId: string, what: T): void {
  among.delete(keyId);
  among.set(keyId, what);
  const [oldest] = among.keys();
  if (among.size > maxKeys && oldest !== undefined) among.delete(oldest);
}
