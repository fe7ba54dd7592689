import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AwsOfDemo, placeOfProxy } from './aws.ts';
import { DemoNode } from './node.ts';
import { stepsOf } from './steps.ts';

/*
 * `make demo`: the operator's guide from the first vault to a key that is pulled away, with AWS's own clients. AWS is
 * played by simulator/; everything else is real. Ends by itself and leaves nothing.
 *
 * With `--keep` (`make demo KEEP=1`) node and AWS stay, for people to look at in the console, until they are told to end.
 * With `--patient`, for tests on busy machines, AWS waits longer than its 250 ms, and so does the node.
 */

const patient = process.argv.includes('--patient');
const keep = process.argv.includes('--keep');

const directory = await mkdtemp(path.join(tmpdir(), 'holdfast-demo-'));
const node = new DemoNode(directory, patient ? 25_000 : 220);
let aws: AwsOfDemo | undefined;

async function play(): Promise<void> {
  const began = Date.now();
  console.log('\ndemo: starting a node with a SoftHSM token, and a stand-in for AWS ...');
  await node.prepare(randomBytes(24).toString('base64url'));
  const proxy = placeOfProxy();
  aws = await AwsOfDemo.start(node.ca, proxy.resolve, patient ? 30_000 : 250);
  await node.serve(aws);
  proxy.is(node.xksPort);
  console.log(`      both are up (${seconds(began)}).`);
  const steps = stepsOf(node, aws);
  for (const [index, { title, run }] of steps.entries()) {
    const from = Date.now();
    console.log(`\n${index + 1}/${steps.length}  ${title}`);
    for (const line of await run()) console.log(`      ${line}`);
    console.log(`      (${seconds(from)})`);
  }
  console.log(`\ndemo: ${steps.length} of ${steps.length} steps, ${seconds(began)}`);
  if (!keep) {
    console.log('      The same to look at in a browser: make demo KEEP=1');
    console.log('      Next, a node to try things on: make up (README.md, "Two commands")');
    return;
  }
  const { vault, appliance, ca, passwords } = node.console;
  console.log('\ndemo: node and AWS stay until Ctrl-C, and then nothing of them is left. The console:');
  console.log(`      of the vault      ${vault}   as ada, with the password in ${passwords.ada}`);
  console.log(`      of the appliance  ${appliance}   as admin, with the password in ${passwords.admin}`);
  console.log(`      its certificate is from a CA of its own: ${ca}`);
  // The node is a process of ours: it is waited for.
  await node.ended;
  if (leaving === undefined) throw new Error('the node has ended');
}

let leaving: Promise<void> | undefined;

async function leave(): Promise<void> {
  leaving ??= (async () => {
    await node.stop();
    await aws?.close();
    await rm(directory, { recursive: true, force: true });
  })();
  return leaving;
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    // Whoever was told to end it with Ctrl-C has done so.
    process.exitCode = keep ? 0 : 130;
    void leave().finally(() => process.exit());
  });

try {
  await play();
} catch (error) {
  console.error(`\ndemo: ${(error as Error).message}`);
  for (const line of node.violations) console.error(`      the node's log: ${line}`);
  process.exitCode = 1;
} finally {
  await leave();
}
