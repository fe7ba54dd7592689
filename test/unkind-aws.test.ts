import test from 'ava';
import { lintPlanted } from './support/planted-lint.ts';

/* scripts/lint-unkind-aws.js: no test meets a kind AWS without a reason that stands in it. */

const start = /comes from startAws/;
const why = /say why AWS has to be a kind one/;
const hidden = /written where it is started/;
const times = /asked for with kind or kindly/;

const simulator = "'../../simulator/simulator.ts'";

const planted: [kind: string, text: string, refusal: RegExp][] = [
  ['started by itself', `import { Simulator } from ${simulator};\nawait Simulator.start();`, start],
  ['under another name', `import { Simulator as S } from ${simulator};\nawait S.start();`, start],
  ['the whole module', `import * as all from ${simulator};\nawait all.Simulator.start();`, start],
  ['loaded when it runs', `const { Simulator: S } = await import(${simulator});\nawait S.start();`, start],
  ['handed on', `export { Simulator } from ${simulator};`, start],
  ['handed on with all', `export * from ${simulator};`, start],
  ['no reason', "await openStage({ kind: 'fast' });", why],
  ['kindly without a reason', 'stage.kindly(t);', why],
  ['options from elsewhere', "const options = { kind: '' };\nawait openStage(options);", hidden],
  ['options spread', "await startAws({ ...{ kind: '' } });", hidden],
  ['assigned after it is declared', 'let open;\nopen = startAws;\nawait open();', hidden],
  ['an opener by another name', 'const open = openStage;\nawait open();', hidden],
  ['imported by another name', "import { startAws as aws } from './a.ts';\nawait aws();", hidden],
  ['a time of nothing', 'await openStage({ time: { consistencyMs: 0 } });', times],
  ['a time put to nothing', 'stage.time.consistencyMs = 0;', times],
  ['a time put to undefined', 'stage.time.quotaSecondMs = undefined;', times],
  ['a time taken away', 'delete stage.time.lastUsedDelayMs;', times],
];

test('a kind AWS without a reason is refused, in whichever way it is had', async (t) => {
  const files = planted.map(([, text], n) => [`test/vault/a${n}.ts`, text] as const);
  const reasoned = [
    "const stage = await openStage({ kind: 'how AWS changes its mind is what is tested' });",
    'stage.time.consistencyMs = 0;',
    'delete stage.time.quotaSecondMs;',
  ];
  const said = await lintPlanted(
    { plugin: 'scripts/lint-unkind-aws.js', rule: 'aws/unkind' },
    { ...Object.fromEntries(files), 'test/vault/fine.ts': reasoned.join('\n') },
  );
  for (const [n, [kind, , refusal]] of planted.entries())
    t.regex(said.get(`test/vault/a${n}.ts`) ?? 'nothing was said', refusal, kind);
  t.false(said.has('test/vault/fine.ts'));
});
