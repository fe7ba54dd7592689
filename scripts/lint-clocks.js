/*
 * An oxlint plug-in with one rule: the wall clock is read in src/clock.ts only. A duration that is measured with it ends
 * anywhere when the clock is set; what does mean a moment of the calendar says so by calling wallClock().
 */
const message =
  'durations and deadlines are of monotonicNow(), a moment of the calendar is wallClock() (src/clock.ts)';

const wallClock = {
  create: (context) => ({
    NewExpression(node) {
      if (node.callee.name === 'Date' && node.arguments.length === 0) context.report({ node, message });
    },
    CallExpression(node) {
      if (node.callee.name === 'Date') context.report({ node, message });
    },
    MemberExpression(node) {
      if (node.object.name === 'Date' && node.property.name === 'now') context.report({ node, message });
    },
  }),
};

export default { meta: { name: 'clocks' }, rules: { 'wall-clock': wallClock } };
