import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import { bootNow, monotonicNow, wallClock } from '../clock.ts';
import type { LoadedConfig } from '../config/load.ts';
import { HeldShares } from '../fleet/held-shares.ts';
import { keepsAtLeast, showEvery, showEveryDrained, type Fleet, type NodeSign } from '../fleet/nodes.ts';
import type { ShownNode, ShownToken } from '../fleet/shown-node.ts';
import type { Logger } from '../log.ts';
import { settlesAfter, type QuotaLedger } from '../serving/quota-ledger.ts';
import { bootId } from './node-id.ts';
import type { FleetMessage } from './messages.ts';
import type { ServedWriter } from './served-writer.ts';

export interface NodeSignsOptions {
  id: string;
  /** The version with the commit. */
  version: string;
  /** A file has one node; what else is in its list has gone. */
  alone: boolean;
  own: () => Pick<ShownNode, 'tokens' | 'serves' | 'manages'>;
  /** How many requests the quotas of the node have let through since its start. */
  granted: () => number;
  /** What it holds of the quotas. */
  shares?: HeldShares | undefined;
  writer: Pick<ServedWriter, 'show'>;
  log: Logger;
  /** What the workers are to know of the fleet, whenever that is another than before. */
  onFleet: (message: FleetMessage) => void;
}

/** What the node shows of itself to the others, and what it hears of them. It is the supervisor's: every node has one. */
export class NodeSigns {
  readonly #options: NodeSignsOptions;
  readonly #start = randomUUID();
  readonly #startedAt = wallClock().toISOString();
  readonly #boot = bootId();
  #again = false;
  #stopping = false;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #showing: Promise<void> | undefined;
  #last: FleetMessage | undefined;
  /** What the others go by, as it was shown last. */
  #shown = '';
  /** What is being shown is not the last of it. */
  #changed = false;
  #problem = '';
  /** What had been let through when the others heard of it last. */
  #granted = 0;
  #isTwin = false;

  constructor(options: NodeSignsOptions) {
    this.#options = options;
  }

  /** What workers are told at their start; undefined until the first sign. */
  get fleet(): FleetMessage | undefined {
    return this.#last;
  }

  start(): void {
    this.#showEvery(showEvery);
    this.#now();
  }

  /** Looks whether something has changed that the others should not wait for. */
  look(): void {
    if (this.#timer !== undefined && standing(this.#own) !== this.#shown) this.#now();
  }

  /** The node drains: from now on it takes nobody's requests. */
  stopping(): void {
    this.#stopping = true;
    this.look();
  }

  get #own(): ReturnType<NodeSignsOptions['own']> {
    const { tokens, serves, manages } = this.#options.own();
    // What it has heard last is what it tells load balancers.
    const takes = serves && this.#last?.drained !== true;
    return { tokens, serves: takes && !this.#stopping, manages: manages && !this.#stopping };
  }

  #showEvery(interval: number): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#now(), interval).unref();
  }

  #now(): void {
    if (this.#ended) return;
    this.#options.shares?.lapse();
    if (this.#showing !== undefined) this.#changed = true;
    this.#showing ??= this.#show(false).finally(() => {
      this.#showing = undefined;
      if (!this.#changed) return;
      this.#changed = false;
      this.#now();
    });
  }

  /** The last sign: the node is stopped. Never rejects. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#ended = true;
    await this.#showing;
    if (this.#again) await this.#show(true);
  }

  async #show(ends: boolean): Promise<void> {
    const { id, version, writer, shares } = this.#options;
    // One that has just been started says nothing yet of its tokens.
    const own = this.#again ? this.#own : { tokens: [], serves: false, manages: false };
    this.#shown = standing(own);
    const granted = this.#options.granted();
    const held = shares?.sign();
    const sign: NodeSign = {
      ...{ id, hostname: hostname(), version, start: this.#start, startedAt: this.#startedAt },
      ...{ again: this.#again, ends, boot: this.#boot, idle: granted === this.#granted },
      ...{ quotas: held?.quotas, ...own },
    };
    try {
      const fleet = await writer.show(sign);
      this.#again = true;
      this.#granted = granted;
      this.#problem = '';
      if (!ends) {
        this.#heard(fleet, sign.tokens);
        if (shares && held && fleet.shares) this.#showSoon(shares.heard(fleet.shares, held.sent));
      }
      this.look();
    } catch (error) {
      const { message } = error as Error;
      // Once: a database that is away is told by whoever needs it.
      if (message !== this.#problem)
        this.#options.log.warn({ problem: message }, 'the node could not show itself');
      this.#problem = message;
    }
  }

  /** Where shares of quotas move, nobody waits for the usual time. */
  #showSoon(after: number | undefined): void {
    clearTimeout(this.#soon);
    if (after !== undefined && !this.#ended) this.#soon = setTimeout(() => this.#now(), after).unref();
  }

  #heard({ live, tokens, drained, twin }: Fleet, own: readonly ShownToken[]): void {
    const { alone, log, onFleet } = this.#options;
    if (twin !== undefined && !this.#isTwin)
      log.error(
        { ...twin },
        'another process has this node’s id: the state directory of one is a copy of the other’s; stop one, and start it with a state directory of its own',
      );
    this.#isTwin = twin !== undefined;
    if (alone) return;
    const message: FleetMessage = {
      kind: 'fleet',
      live,
      tokens: otherTokens(own, tokens),
      drained,
    };
    if (JSON.stringify(message) === JSON.stringify(this.#last)) return;
    // Where the others fail it is wanted back at once.
    if ((this.#last?.drained ?? false) !== drained) this.#showEvery(drained ? showEveryDrained : showEvery);
    if (this.#last !== undefined && this.#last.drained !== drained)
      log.warn(
        { drained },
        drained
          ? 'the node is drained: it tells load balancers to send requests elsewhere, and does nothing by schedule'
          : 'the node is not drained any more',
      );
    this.#last = message;
    onFleet(message);
  }
}

/** What a node holds of its quotas; undefined where it shares them with no other node of its store. */
export function sharesOf(
  { store, node }: Pick<LoadedConfig, 'store' | 'node'>,
  quotas: Pick<QuotaLedger, 'demands' | 'letThrough'>,
): HeldShares | undefined {
  if (store.kind !== 'postgres') return undefined;
  return new HeldShares({
    fleetSize: node.fleet_size,
    // As long as its workers serve while the database is away.
    keeps: Math.max(keepsAtLeast, store.lease + showEvery),
    ...{ settlesAfter, now: monotonicNow, bootNow },
    demands: () => quotas.demands(),
    onParts: (parts) => quotas.letThrough(parts),
  });
}

function standing({ tokens, serves, manages }: ReturnType<NodeSignsOptions['own']>): string {
  return JSON.stringify([
    serves,
    manages,
    tokens.map(({ health, members }) => [health, members?.map((member) => member.health)]),
  ]);
}

/**
 * Tokens of other nodes: one for each HSM that they tell apart by serial number, with what is known of it on all of them. Of one
 * that this node has too, what the others find of it.
 */
export function otherTokens(
  own: readonly ShownToken[],
  others: readonly ShownToken[],
): FleetMessage['tokens'] {
  const found = new Map<string, FleetMessage['tokens'][number]>();
  const ownHsms = hsmsOf(own);
  for (const { token, name, serial, model, health } of hsmsOf(others)) {
    const same = ownHsms.find((hsm) => hsm.token === token && isSame(hsm, { name, serial }));
    const key = JSON.stringify([token, same?.name ?? name, same === undefined ? serial : '']);
    const before = found.get(key)?.health;
    const id = same?.name ?? (serial === null ? name : `${name}:${serial}`);
    found.set(key, {
      name: token,
      id,
      isOwn: same !== undefined,
      model,
      health: before === undefined ? health : together(before, health),
    });
  }
  return [...found.values()];
}

type Hsm = Pick<ShownToken, 'name' | 'serial' | 'model' | 'health'> & { token: string };

/** Each HSM: of an HSM group its members. */
function hsmsOf(tokens: readonly ShownToken[]): Hsm[] {
  return tokens.flatMap(({ name: token, model, serial, health, members }) =>
    (members ?? [{ name: token, serial, health }]).map((hsm) => ({
      token,
      model,
      name: hsm.name,
      serial: hsm.serial,
      health: hsm.health,
    })),
  );
}

/** By the serial number; by its name where one of two nodes has not had it open. */
function isSame(own: Pick<Hsm, 'name' | 'serial'>, other: Pick<Hsm, 'name' | 'serial'>): boolean {
  if (own.serial === null || other.serial === null) return own.name === other.name;
  return own.serial === other.serial;
}

/** Of one HSM as two find it. */
export function together(one: ShownToken['health'], other: ShownToken['health']): ShownToken['health'] {
  return one === other ? one : 'DEGRADED';
}
