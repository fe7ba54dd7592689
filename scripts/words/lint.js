/*
 * An oxlint plug-in with two rules. `unused`: what a person reads in a text of ours (strings, templates and JSX) has none of the words
 * that docs/glossary.md says are not used. One word without a space around it is a name or a code, and is not looked at.
 * `outside-texts`: of the console, what a person reads is in web/texts, which alone is translated.
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

/** Properties that Cloudscape, or the browser, shows or reads out. */
const read =
  /^(?:aria-label|\w*(?:[aA]riaLabel|[lL]abel|[tT]itle|[pP]laceholder|[dD]escription|[hH]eader|[tT]ext))$/;

const outsideTexts = {
  create: (context) => {
    const check = (node, text) => {
      // A word with a capital, or more than one.
      if (typeof text === 'string' && /\p{Lu}\p{Ll}|\p{L}\s+\p{L}/u.test(text))
        context.report({ node, message: `what people read is in web/texts: “${text.trim()}”` });
    };
    return {
      JSXText: (node) => check(node, node.value),
      JSXAttribute: ({ name, value }) => {
        if (value?.type === 'Literal' && read.test(name.name)) check(value, value.value);
      },
      Property: ({ key, value }) => {
        if (value.type === 'Literal' && read.test(key.name ?? '')) check(value, value.value);
      },
      // A sentence, wherever it is.
      Literal: (node) => {
        if (typeof node.value === 'string' && /\p{Ll} \p{Ll}+ .*\.$/u.test(node.value))
          check(node, node.value);
      },
    };
  },
};

export default { meta: { name: 'words' }, rules: { unused: rule, 'outside-texts': outsideTexts } };
