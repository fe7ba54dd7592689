/*
 * An oxlint plug-in with one rule: no function of Node's that keeps the processor busy, or waits for another process, is
 * called in its form that waits. The supervisor watches its processes from its event loop, and workers answer AWS from theirs.
 */
const modules = new Set(['node:crypto', 'node:child_process', 'node:zlib']);
const message = 'this would stop the event loop: take the form that gives a promise or calls back';

const noBlockingCall = {
  create: (context) => ({
    ImportDeclaration(node) {
      if (!modules.has(node.source.value)) return;
      for (const specifier of node.specifiers) {
        const name = specifier.imported?.name ?? '';
        if (name.endsWith('Sync')) context.report({ node: specifier, message });
      }
    },
  }),
};

export default { meta: { name: 'event-loop' }, rules: { 'no-blocking-call': noBlockingCall } };
