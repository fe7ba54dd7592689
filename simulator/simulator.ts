import { Accounts, type SimulatedAccount } from './accounts.ts';
import { CloudTrail } from './cloud-trail.ts';
import { Consistency } from './consistency.ts';
import { Endpoint } from './endpoint.ts';
import { Faults, type Armed, type FaultRule } from './faults.ts';
import { Front } from './front.ts';
import type { House } from './house.ts';
import { SimulatedIam } from './iam/iam.ts';
import { SimulatedSts } from './iam/sts.ts';
import { SimulatedKms, type KmsControls } from './kms/kms.ts';
import { makeOwnTls } from './own-certificate.ts';
import { SimulatedS3 } from './s3/s3.ts';
import type { Service } from './service.ts';
import type { SimulatedTimes, SimulatorOptions } from './simulator-options.ts';
import { StateFile } from './state-file.ts';

export type { FaultRule, KmsControls, SimulatedAccount, SimulatorOptions };

/** An AWS to develop and test against: KMS, IAM, STS and S3 behind one endpoint. What it does not do it says. */
export class Simulator {
  /** `https://127.0.0.1:port`: the endpoint of every service. */
  readonly url: string;
  readonly port: number;
  /** PEM that clients must trust; '' for plain HTTP. */
  readonly ca: string;
  readonly trail: CloudTrail;
  readonly kms: KmsControls;
  readonly #accounts: Accounts;
  readonly #faults: Faults;
  readonly #consistency: Consistency;
  readonly #time: { -readonly [name in keyof SimulatedTimes]: SimulatedTimes[name] };
  readonly #close: () => Promise<void>;
  readonly #changed: () => void;

  private constructor(parts: {
    url: string;
    port: number;
    ca: string;
    trail: CloudTrail;
    kms: KmsControls;
    accounts: Accounts;
    faults: Faults;
    consistency: Consistency;
    time: SimulatedTimes;
    close: () => Promise<void>;
    changed: () => void;
  }) {
    this.url = parts.url;
    this.port = parts.port;
    this.ca = parts.ca;
    this.trail = parts.trail;
    this.kms = parts.kms;
    this.#accounts = parts.accounts;
    this.#faults = parts.faults;
    this.#consistency = parts.consistency;
    this.#time = parts.time;
    this.#close = parts.close;
    this.#changed = parts.changed;
  }

  // oxlint-disable-next-line complexity, max-lines-per-function -- puts the parts of the simulator together
  static async start(given: SimulatorOptions = {}): Promise<Simulator> {
    // The object that was given: tests change times while it runs.
    const options = { ...given, time: given.time ?? {} };
    const address = options.address ?? '127.0.0.1';
    const tls =
      options.tls === 'none' ? undefined : (options.tls ?? (await makeOwnTls(options.hostNames ?? [])));
    const accounts = new Accounts();
    const closing = new AbortController();
    const log = options.log ?? ((): void => undefined);
    let stateFile: StateFile | undefined;
    const now = options.now ?? ((): Date => new Date());
    const consistency = new Consistency(() => options.time, options.spreadClock ?? now);
    const house: House = {
      ...{ accounts, options, now, consistency },
      changed: () => stateFile?.changed(),
      log,
    };
    const kms = new SimulatedKms(house);
    const iam = new SimulatedIam(house);
    const services: Service[] = [kms, iam, new SimulatedSts(house, iam), new SimulatedS3(house, kms)];
    const trail = new CloudTrail(options.trailFile);
    const faults = new Faults(options.random);
    const front = new Front({
      ...{ services, accounts, faults, trail, log, now: house.now },
      closing: closing.signal,
    });
    let endpoint: Endpoint | undefined;
    // Files last: where the port is another simulator's, its files are not touched.
    const closeAll = async (): Promise<void> => {
      closing.abort();
      await endpoint?.close();
      for (const service of services) await service.close?.();
      await stateFile?.close();
      trail.close();
    };
    try {
      endpoint = await Endpoint.open(
        { address, port: options.port ?? 0, tls },
        async (request, response) => await front.answer(request, response),
      );
      if (options.stateFile !== undefined) {
        const file = new StateFile(options.stateFile, accounts, services, log);
        file.load();
        stateFile = file;
      }
      trail.open();
    } catch (error) {
      await closeAll();
      throw error;
    }
    return new Simulator({
      url: `${tls === undefined ? 'http' : 'https'}://${address}:${endpoint.port}`,
      port: endpoint.port,
      ca: tls?.ca ?? '',
      ...{
        trail,
        accounts,
        faults,
        consistency,
        time: options.time,
        kms: kms.controls,
        changed: house.changed,
        close: closeAll,
      },
    });
  }

  /** The account with this id, made if it is not there; without an id a new one each time. */
  account(id?: string, given: Partial<SimulatedAccount> = {}): SimulatedAccount {
    const account = this.#accounts.account(id, given);
    this.#changed();
    return account;
  }

  /** Everything that was changed until now shows everywhere, however long AWS would take. */
  settle(): void {
    this.#consistency.settle();
  }

  /** Makes AWS fail until the returned function is called; the first rule that fits a call strikes. */
  fault(rule: FaultRule): () => void {
    return this.#faults.add(rule);
  }

  faults(): readonly Readonly<Armed>[] {
    return this.#faults.list();
  }

  removeFault(id: number): boolean {
    return this.#faults.remove(id);
  }

  /** How long AWS takes for what. */
  troubles(): SimulatedTimes {
    return { ...this.#time };
  }

  /** Changes that from now on; null for as in AWS. */
  trouble(changes: Readonly<Record<string, number | null>>): SimulatedTimes {
    const times = this.#time as Record<string, number | undefined>;
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) delete times[name];
      else times[name] = value;
    }
    return this.troubles();
  }

  /** Cuts all connections and ends all that was begun. */
  async close(): Promise<void> {
    await this.#close();
  }
}
