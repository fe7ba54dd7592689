import { Random } from '../testing/random.ts';
import { childrenOf } from '../testing/test-node.ts';
import { hurried } from './acts.ts';
import { Database } from './database.ts';
import { sendSignal } from './fleet.ts';
import { killOne, serveAgain } from './kill.ts';
import type { History } from './recorder.ts';
import { playScene, type Scene, type SceneSettings } from './scene.ts';

/*
 * The short form, which `make test` plays: two nodes over one PostgreSQL, and each of a few faults once. A node is away, or cut off, until a
 * disable was acknowledged meanwhile and requests came after that, however long a busy machine needs for it; after a worker was replaced, and the
 * database started again, the same comes next. So what is judged has always happened.
 */

export async function playShort(seed: number, history: History): Promise<void> {
  const random = new Random(seed);
  const settings: SceneSettings = {
    fleet: { nodes: 2, lease: 2 },
    stage: { seed, keys: 4, connections: 4, every: 80, pace: hurried },
    acting: [1, -1],
  };
  await playScene(await Database.startAlone(), settings, history, async (scene) => {
    const left = Object.entries<Fault>(shortFaults);
    while (left.length > 0) {
      const [next] = left.splice(random.between(0, left.length - 1), 1);
      if (next === undefined) break;
      const [fault, make] = next;
      const index = random.between(0, scene.fleet.nodes.length - 1);
      scene.tell(fault, index);
      await make(scene, index);
      for (const place of scene.fleet.nodes.keys()) await scene.served(place);
    }
  });
}

/** On the node that has this place. */
type Fault = (scene: Scene<Database>, index: number) => Promise<void>;

export const shortFaults = {
  'a worker is killed': async (scene, index) => {
    await killOne(scene.fleet, index, 'worker');
    await scene.disableMeanwhile();
  },

  'a node loses power': async (scene, index) => {
    const { fleet } = scene;
    const node = fleet.node(index);
    const pids = [node.pid, ...childrenOf(node.pid)];
    fleet.lives.end(index);
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await scene.disableMeanwhile({ without: index });
    await serveAgain(fleet, node, pids);
    fleet.lives.begin(index);
  },

  'a node is cut off from the database': async (scene, index) => {
    await scene.fleet.turnWires([index], 'cut');
    await scene.disableMeanwhile({ without: index, answeredBy: index });
    await scene.fleet.turnWires([index], 'open');
  },

  'the database restarts': async (scene) => {
    const { primary } = scene.fleet.database;
    await primary.stop('crash');
    await primary.start();
    await scene.disableMeanwhile();
  },
} as const satisfies Record<string, Fault>;
