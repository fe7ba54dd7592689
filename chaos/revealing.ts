import { setTimeout as delay } from 'node:timers/promises';
import { hurried } from './acts.ts';
import { Database } from './database.ts';
import { nodeIdIn, sendSignal } from './fleet.ts';
import { decideOnLosses } from './losses.ts';
import type { History } from './recorder.ts';
import { playScene, type Scene, type SceneSettings } from './scene.ts';
import { shortFaults } from './short.ts';

/*
 * Faults that bring out the bugs of bugs.ts, one kind in each of these short runs: two nodes, requests to each of them itself, and faults
 * that last until what is judged has happened.
 */

interface Revealing {
  database: () => Promise<Database>;
  fleet: Omit<SceneSettings['fleet'], 'nodes' | 'code'>;
  stage: Omit<SceneSettings['stage'], 'seed'>;
  acting: SceneSettings['acting'];
  play: (scene: Scene<Database>) => Promise<void>;
}

/** Of requests that wait for a token host, after the acknowledgement of a disable, milliseconds. */
const heldBack = 600;

export const revealingFaults = {
  'a node is cut off from the database': {
    database: async () => Database.startAlone(),
    fleet: { lease: 2 },
    stage: { keys: 4, connections: 8, every: 80, pace: hurried },
    acting: [1, -1],
    play: async (scene) =>
      onEach(scene, 1, async (index) => shortFaults['a node is cut off from the database'](scene, index)),
  },

  'token hosts that hang are killed': {
    database: async () => Database.startAlone(),
    fleet: { lease: 2 },
    // One key and no acts: what is tried again is of the key that was encrypted with last.
    stage: { keys: 1, connections: 16, every: 20, pace: hurried },
    acting: [0, 0],
    play: async (scene) =>
      onEach(scene, 3, async (index) => {
        const node = scene.fleet.node(index);
        const hosts = () => node.processes().hosts;
        const all = hosts();
        for (const pid of all) {
          sendSignal(pid, 'SIGSTOP');
          // By the others, while some wait for it.
          await scene.answered(({ life }) => life === scene.fleet.lives.of(index), 20);
          sendSignal(pid, 'SIGKILL');
          while (hosts().includes(pid) || hosts().length < all.length) await delay(20);
          await scene.served(index);
        }
      }),
  },

  'the database fails over to its standby, which lacks commits that were cancelled': {
    database: async () => Database.start(),
    fleet: { lease: 2 },
    stage: { keys: 6, connections: 8, every: 80, pace: hurried },
    acting: [0, -1],
    play: async (scene) => {
      const { fleet, history, stage } = scene;
      const { database } = fleet;
      const { standby } = database;
      const since = history.now();
      await standby.stop('fast');
      const seen = history.entries.length;
      const disables = () =>
        history.entries
          .slice(seen)
          .filter((entry) => entry.type === 'act')
          .filter(({ act, result }) => act === 'disable' && result !== 'refused');
      // Where none is acknowledged, each is looked for again and again: there are few.
      for (
        const until = history.now() + 6_000;
        disables().length < 6 && history.now() < until;
        await delay(25)
      )
        await database.cancelCommits();
      await database.primary.stop('crash');
      await standby.start();
      await database.failOver();
      await decideOnLosses(fleet, stage.management, history, { since, ofAcknowledged: false });
    },
  },

  'token hosts hang for longer than a lease': {
    database: async () => Database.startAlone(),
    fleet: { lease: 2, answerWithin: 4_500 },
    stage: { keys: 2, connections: 16, every: 40, pace: hurried },
    acting: [0, 0],
    play: async (scene) =>
      onEach(scene, 1, async (index) => {
        const { hosts } = scene.fleet.node(index).processes();
        for (const pid of hosts) sendSignal(pid, 'SIGSTOP');
        try {
          await scene.without(index, async () => scene.acknowledged('disable'));
          await delay(heldBack);
        } finally {
          for (const pid of hosts) sendSignal(pid, 'SIGCONT');
        }
        await scene.answeredForKey(index);
        await scene.without(index, async () => scene.acknowledged('enable'));
      }),
  },

  // And nobody asks it for anything until it has: each request without a lease would have it ask what was changed.
  'an idle worker joins again while its row takes its time, and its way to the database too': {
    database: async () => Database.startAlone(),
    // A third of it for each statement.
    fleet: { lease: 12 },
    stage: { keys: 3, connections: 16, every: 40, pace: hurried },
    acting: [0, 0],
    play: async (scene) =>
      onEach(scene, 1, async (index) =>
        scene.without(index, async () => {
          const { fleet, stage } = scene;
          const [, other] = stage.keys;
          if (other === undefined) throw new Error('there is no other key');
          await fleet.turnWires([index], 'cut');
          // Whoever disables something removes the row of who has been silent. What the worker remembers of the key stays.
          while ((await holdersOf(scene, index)) > 0)
            for (const act of ['disable', 'enable'] as const) await stage.acts.act(act, other);
          await stage.load.stop();
          await ask(scene, slowJoin);
          await fleet.turnWires([index], 'slow');
          while ((await ask(scene, joining)).length === 0) await delay(20);
          await scene.acknowledged('disable');
          while ((await holdersOf(scene, index)) === 0) await delay(20);
          stage.load.start();
          await scene.answeredForKey(index, 10);
          await ask(scene, 'DROP TRIGGER slow_join ON snapshot_holders; DROP FUNCTION slow_join');
          await scene.acknowledged('enable');
          await fleet.turnWires([index], 'open');
        }),
      ),
  },
} as const satisfies Record<string, Revealing>;

export type RevealingFault = keyof typeof revealingFaults;

/** Plays one of them, by nodes of the code in this directory, whose output is written to `logs`. */
export async function playRevealing(
  fault: RevealingFault,
  { seed, code, logs }: { seed: number; code: string; logs: string },
  history: History,
): Promise<void> {
  const { database, fleet, stage, acting, play }: Revealing = revealingFaults[fault];
  const settings: SceneSettings = {
    fleet: { ...fleet, nodes: 2, code },
    stage: { ...stage, seed },
    ...{ acting, logs },
  };
  await playScene(await database(), settings, history, async (scene) => {
    history.add({ type: 'fault', at: history.now(), fault, what: '' });
    await play(scene);
  });
}

/** On each node in turn, so many times; and it serves again before the next. */
async function onEach(
  scene: Scene<Database>,
  times: number,
  make: (index: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < times; round++)
    for (const index of scene.fleet.nodes.keys()) {
      await make(index);
      for (const place of scene.fleet.nodes.keys()) await scene.served(place);
    }
}

/** Nobody sees the row of who joins for three seconds more. */
const slowJoin = `CREATE FUNCTION slow_join() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$;
  CREATE TRIGGER slow_join BEFORE INSERT ON snapshot_holders FOR EACH ROW EXECUTE FUNCTION slow_join()`;

const joining = `SELECT pid FROM pg_stat_activity WHERE state = 'active' AND application_name = 'holdfast lease'
  AND query LIKE 'INSERT INTO snapshot_holders%'`;

async function ask({ fleet }: Scene<Database>, statement: string): Promise<object[]> {
  const { primary, settings } = fleet.database;
  return primary.asSuperuser(statement, settings.database);
}

/** How many rows the workers of a node have. */
async function holdersOf(scene: Scene<Database>, index: number): Promise<number> {
  const id = nodeIdIn(scene.fleet.node(index));
  return (await ask(scene, `SELECT id FROM snapshot_holders WHERE node_id = '${id}'`)).length;
}
