/** The child process of keeper.test.ts: keeps two token hosts until it is killed. argv: a TokenFixture as JSON. */
import type { TokenFixture } from '../../testing/tokens.ts';
import { OpenPool } from './open-pool.ts';

const open = new OpenPool(JSON.parse(process.argv[2] ?? '') as TokenFixture, { hosts: 2 });
await open.startInTurn();
process.stdout.write(`${JSON.stringify(open.pids)}\n`);
