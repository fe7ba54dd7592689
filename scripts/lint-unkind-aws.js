/*
 * An oxlint plug-in with one rule: tests start an AWS in test/support/simulated-aws.ts alone, where it is eventually
 * consistent, has quotas and loses answers. A test that needs a kinder one says why, in words that stand in the test.
 */
const messages = {
  start: 'an AWS for tests comes from startAws() (test/support/simulated-aws.ts)',
  why: 'say why AWS has to be a kind one: a sentence of at least five words, here',
  times: 'an AWS that shows everything at once is asked for with kind or kindly(), which say why',
};

const isReason = (node) =>
  node?.type === 'Literal' && typeof node.value === 'string' && node.value.trim().split(/\s+/).length >= 5;

const isZero = (node) => node?.type === 'Literal' && node.value === 0;

const nameOf = (node) => node?.name ?? node?.value;

const unkindAws = {
  create: (context) => ({
    // Under whatever name, or taken apart: what is not imported starts nothing.
    ImportSpecifier(node) {
      const { importKind, source } = node.parent;
      const isType = importKind === 'type' || node.importKind === 'type';
      if (nameOf(node.imported) === 'Simulator' && !isType && source.value.endsWith('simulator/simulator.ts'))
        context.report({ node, message: messages.start });
    },
    CallExpression(node) {
      const { object, property } = node.callee;
      if (object?.name === 'Simulator' && property?.name === 'start')
        context.report({ node, message: messages.start });
      const called = nameOf(property ?? node.callee);
      if (called === 'kindly' && !isReason(node.arguments[1]))
        context.report({ node, message: messages.why });
    },
    Property(node) {
      const name = nameOf(node.key);
      const isOfAws = /^(?:startAws|openStage|openAwsVault)$/.test(nameOf(node.parent?.parent?.callee) ?? '');
      if (name === 'kind' && isOfAws && !isReason(node.value))
        context.report({ node, message: messages.why });
      if (/^(?:consistencyMs|quotaSecondMs)$/.test(name) && isZero(node.value))
        context.report({ node, message: messages.times });
    },
  }),
};

export default { meta: { name: 'aws' }, rules: { unkind: unkindAws } };
