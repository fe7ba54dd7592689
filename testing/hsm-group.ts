import { cp, readdir } from 'node:fs/promises';
import path from 'node:path';
import { loadProfile } from '../src/config/profile.ts';
import { hostSettings } from '../src/node/host-settings.ts';
import { Secret } from '../src/secret.ts';
import { HostKeeper, LoginGate, type KeeperListener } from '../src/token/keeper/host-keeper.ts';
import { ownKeys } from '../src/token/own-keys.ts';
import { TokenPool } from '../src/token/pool/token-pool.ts';
import { TokenPools } from '../src/vault/tokens.ts';
import { cloneSoftHsmToken, tokensOf } from './cloned-token.ts';
import { createSoftHsmToken, type TokenFixture } from './tokens.ts';

/** An HSM group called `token` of two SoftHSM tokens, `a` and its clone `b`, which nothing but {@link replicate} keeps alike. */
export class HsmGroup {
  readonly pool: TokenPool;
  readonly tokens: TokenPools;
  readonly fixtures: { readonly a: TokenFixture; readonly b: TokenFixture };
  readonly #recorded: { serials: string[]; proof: string };
  readonly #keepers = new Map<Member, HostKeeper>();

  private constructor(fixtures: HsmGroup['fixtures'], recorded: { serials: string[]; proof: string }) {
    this.fixtures = fixtures;
    this.#recorded = recorded;
    const members = [
      { name: 'a', hosts: 1 },
      { name: 'b', hosts: 1 },
    ];
    const limits = { sickAfter: 20_000, killAfter: 40_000, queueLength: 4096, healthInterval: 60_000 };
    this.pool = new TokenPool('token', members, () => undefined, limits);
    this.tokens = new TokenPools([this.pool]);
  }

  static async open(): Promise<HsmGroup> {
    const a = await createSoftHsmToken();
    // Keys of our own are made in the first member, as by `init`, before it is cloned.
    const { host, keeper } = await start(a, 'a', { prepare: true });
    await keeper.stop();
    const b = await cloneSoftHsmToken(a, host.info.serial);
    const proof = host.ownProofs[ownKeys.sealing.label] ?? '';
    const group = new HsmGroup({ a, b }, { serials: [host.info.serial], proof });
    await Promise.all([group.up('a'), group.up('b')]);
    return group;
  }

  /** A member gets its host. */
  async up(member: Member): Promise<void> {
    const { host, keeper } = await start(this.fixtures[member], member, { recorded: this.#recorded });
    this.#keepers.set(member, keeper);
    this.pool.addHost(host.id, host.pid, host.socket, { member, serial: host.info.serial });
  }

  /** A member has no host any more. */
  async down(member: Member): Promise<void> {
    await this.#keepers.get(member)?.stop();
    for (const { id, member: of } of this.pool.hosts) if (of === member) this.pool.removeHost(id);
  }

  /** Brings key objects that one member has to the other, as an HA group does. */
  async replicate(from: Member, to: Member): Promise<void> {
    const [source, target] = [await directoryOf(this.fixtures[from]), await directoryOf(this.fixtures[to])];
    const there = new Set(await readdir(target));
    // The generation last: by it a process sees that there is more.
    const news = (await readdir(source)).filter((name) => /\.(object|lock)$/.test(name) && !there.has(name));
    for (const name of [...news, 'generation']) await cp(path.join(source, name), path.join(target, name));
  }

  async dispose(): Promise<void> {
    this.pool.close();
    await Promise.all([...this.#keepers.values()].map(async (keeper) => keeper.stop()));
    await Promise.all(Object.values(this.fixtures).map(async (fixture) => fixture.dispose()));
  }
}

type Member = 'a' | 'b';
type StartedHost = Parameters<KeeperListener['onReady']>[0];

async function start(
  fixture: TokenFixture,
  name: Member,
  order: Parameters<typeof hostSettings>[2],
): Promise<{ host: StartedHost; keeper: HostKeeper }> {
  const ready = Promise.withResolvers<StartedHost>();
  const settings = hostSettings(
    {
      ...{ name, token: 'token', title: `token:${name}` },
      moduleProfile: loadProfile('softhsm2'),
      label: fixture.label,
      module: fixture.module,
      environment: fixture.environment,
      start_timeout_ms: 60_000,
    },
    () => Promise.resolve(new Secret(fixture.pin)),
    order,
  );
  const keeper = new HostKeeper(settings, new LoginGate(), {
    onReady: ready.resolve,
    onGone: () => undefined,
    onFailed: (problem) => ready.reject(new Error(problem)),
  });
  keeper.start();
  return { host: await ready.promise, keeper };
}

/** SoftHSM keeps each token in a directory of its own. */
async function directoryOf(fixture: TokenFixture): Promise<string> {
  const tokens = tokensOf(fixture);
  const [only = ''] = await readdir(tokens);
  return path.join(tokens, only);
}
