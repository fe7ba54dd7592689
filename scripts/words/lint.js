/*
 * An oxlint plug-in with one rule: what a person reads in a text of ours (strings, templates and JSX) has none of the words
 * that docs/glossary.md says are not used. One word without a space around it is a name or a code, and is not looked at.
 */
import { readFileSync } from 'node:fs';
import { unusedWords } from './unused-words.ts';

const unused = unusedWords(readFileSync(new URL('../../docs/glossary.md', import.meta.url), 'utf8'));
// Most texts have none: one look for all.
const any = new RegExp(unused.map(([word]) => word.source).join('|'), 'iu');

const rule = {
  create: (context) => {
    const check = (node, text) => {
      if (typeof text !== 'string' || !/\s/.test(text) || !any.test(text)) return;
      for (const [word, instead] of unused)
        for (const [found] of text.matchAll(word))
          context.report({ node, message: `“${found}” is not used (docs/glossary.md): say ${instead}` });
    };
    return {
      // What stands before a colon is a name.
      Literal: (node) => node.parent?.key === node || check(node, node.value),
      TemplateElement: (node) => check(node, node.value.cooked),
      JSXText: (node) => check(node, node.value),
    };
  },
};

export default { meta: { name: 'words' }, rules: { unused: rule } };
