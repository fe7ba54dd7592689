/*
 * An oxlint plug-in with one rule: tests start an AWS in testing/simulated-aws.ts alone, where it is eventually
 * consistent, has quotas and loses answers. A test that needs a kinder one says why, in words that stand in the test.
 */
const messages = {
  start: 'an AWS for tests comes from startAws() (testing/simulated-aws.ts)',
  why: 'say why AWS has to be a kind one: a sentence of at least five words, here',
  times: 'an AWS that shows everything at once is asked for with kind or kindly(), which say why',
  hidden:
    'options of an AWS for tests are written where it is started: what is hidden here may make it a kind one',
};

const openers = /^(?:startAws|openStage|openAwsVault)$/;
const times = /^(?:consistencyMs|quotaSecondMs|lastUsedDelayMs)$/;
/** Here openers are made of others, and hand on what they are given. */
const makesOpeners = /(?:^|\/)(?:testing\/|[\w-]*stage\.ts$)/;

const isReason = (node) =>
  node?.type === 'Literal' && typeof node.value === 'string' && node.value.trim().split(/\s+/).length >= 5;

const isZero = (node) => (node?.type === 'Literal' && node.value === 0) || nameOf(node) === 'undefined';

const nameOf = (node) => node?.name ?? node?.value;

const isTimeOf = (node) => node?.type === 'MemberExpression' && times.test(nameOf(node.property) ?? '');

const isOfSimulator = ({ value } = {}) => String(value).endsWith('simulator/simulator.ts');

const unkindAws = {
  // oxlint-disable-next-line max-lines-per-function -- one visitor for each kind of node
  create: (context) => {
    let saysWhy = false;
    /** Told at the end: where a reason stands in the file, times are what it tests. */
    const changed = [];
    const tell = (node, message) => context.report({ node, message: messages[message] });
    const reason = (node, value) => {
      if (isReason(value)) saysWhy = true;
      else tell(node, 'why');
    };
    return {
      // Under whatever name, or taken apart: what is not imported starts nothing.
      ImportSpecifier(node) {
        const { importKind, source } = node.parent;
        const isType = importKind === 'type' || node.importKind === 'type';
        const imported = nameOf(node.imported);
        if (imported === 'Simulator' && !isType && isOfSimulator(source)) tell(node, 'start');
        if (openers.test(imported) && nameOf(node.local) !== imported) tell(node, 'hidden');
      },
      ImportNamespaceSpecifier(node) {
        if (isOfSimulator(node.parent.source) && node.parent.importKind !== 'type') tell(node, 'start');
      },
      ImportExpression(node) {
        if (isOfSimulator(node.source)) tell(node, 'start');
      },
      ExportAllDeclaration(node) {
        if (isOfSimulator(node.source) && node.exportKind !== 'type') tell(node, 'start');
      },
      ExportSpecifier(node) {
        const { exportKind, source } = node.parent;
        const isType = exportKind === 'type' || node.exportKind === 'type';
        if (nameOf(node.local) === 'Simulator' && !isType && isOfSimulator(source ?? {})) tell(node, 'start');
      },
      VariableDeclarator({ init }) {
        if (init?.type === 'Identifier' && openers.test(init.name)) tell(init, 'hidden');
      },
      CallExpression(node) {
        const { object, property } = node.callee;
        if (object?.name === 'Simulator' && property?.name === 'start') tell(node, 'start');
        const called = nameOf(property ?? node.callee) ?? '';
        if (called === 'kindly') reason(node, node.arguments[1]);
        const [options] = node.arguments;
        if (!openers.test(called) || options === undefined || makesOpeners.test(context.filename)) return;
        const isOpen =
          options.type === 'ObjectExpression' && options.properties.every(({ type }) => type === 'Property');
        if (!isOpen) tell(options, 'hidden');
      },
      Property(node) {
        const name = nameOf(node.key) ?? '';
        if (name === 'kind' && openers.test(nameOf(node.parent?.parent?.callee) ?? ''))
          reason(node, node.value);
        if (times.test(name) && isZero(node.value)) tell(node, 'times');
      },
      AssignmentExpression(node) {
        if (node.right.type === 'Identifier' && openers.test(node.right.name)) tell(node.right, 'hidden');
        if (isTimeOf(node.left) && isZero(node.right)) changed.push(node);
      },
      UnaryExpression(node) {
        if (node.operator === 'delete' && isTimeOf(node.argument)) changed.push(node);
      },
      'Program:exit'() {
        if (!saysWhy) for (const node of changed) tell(node, 'times');
      },
    };
  },
};

export default { meta: { name: 'aws' }, rules: { unkind: unkindAws } };
