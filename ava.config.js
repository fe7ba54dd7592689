import { readFileSync } from 'node:fs';

/*
 * What takes longest begins first, or the last file would be waited for on one core. In seconds, roughly, on two slow
 * cores; `scripts/check` tells the longest of a run. A file that is not here takes less.
 */
const slowest = [
  'vault/kill',
  'admin/acts',
  'whole-node/processes',
  'web/console',
  'cli/guide',
  'whole-node/count',
  'cli/installed-node',
  'token/pool',
  'whole-node/clock-steps',
  'whole-node/disable',
  'token/iv-modes',
  'cli/aws-page',
  'cli/commands',
  'token/sick-hosts',
  'whole-node/outputs',
  'cloud/aws-writes',
  'admin/http',
  'whole-node/fuzz',
  'whole-node/crowd',
  'whole-node/early-end',
  'cli/restore',
  'schedules/clock',
  'cli/quickstart',
  'demo/demo',
  'cloud/external-key-store-node',
  'admin/sound-routes',
  'whole-node/return-values',
  'token/verification',
  'doctor/outside',
  'chaos/short',
  'cloud/stopped-holder',
  'whole-node/postgres',
  'whole-node/backup',
  'whole-node/memory',
  'whole-node/shared-hosts',
  'keys/key-life',
  'identity/lockout',
  'identity/second-factor',
  'token/shim',
];

/** In a whole run, of scripts/check, one process has all that this file imports. */
const isWhole = process.env.HOLDFAST_TEST_TOGETHER === '1';
const together = readFileSync(`${import.meta.dirname}/test/together.test.ts`, 'utf8');
const apart = [...together.matchAll(/^import '\.\/(.+)';$/gm)].map(([, file]) => `!test/${file}`);

const rank = (file) => {
  const at = slowest.findIndex((name) => file.endsWith(`/test/${name}.test.ts`));
  return at < 0 ? slowest.length : at;
};

export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts', ...(isWhole ? apart : ['!test/together.test.ts'])],
  // Test files have environments of their own, which native modules see.
  workerThreads: false,
  // Nothing is judged by it: a machine may be slow, but a test that hangs is to end some day.
  timeout: '300s',
  // As every process of ours begins; what tests start has its flags from src/node-process.ts.
  // What a test forks has them too, wherever it runs.
  nodeArguments: ['--import', new URL('./src/stripped-types.js', import.meta.url).href],
  require: ['./test/support/file-times.ts', './test/support/left-open.ts', './test/support/own-group.ts'],
  sortTestFiles: (one, other) => rank(one) - rank(other) || one.localeCompare(other),
};
