import test from 'ava';
import type { Command } from 'commander';
import { withArticle } from '../../src/cli/output/article.ts';
import { createProgram } from '../../src/cli/program.ts';

test('a noun has the article that it is spoken with', (t) => {
  t.is(withArticle('admin group'), 'an admin group');
  t.is(withArticle('external key store'), 'an external key store');
  t.is(withArticle('key set'), 'a key set');
  t.is(withArticle('user'), 'a user');
  t.is(withArticle('CSP account'), 'a CSP account');
  t.is(withArticle('API key'), 'an API key');
  t.is(withArticle('XKS credential'), 'an XKS credential');
  t.is(withArticle('KMS key'), 'a KMS key');
});

test('no help of the command line says “a admin group” or “an key”', (t) => {
  const texts = (command: Command): string[] => [
    command.description(),
    ...command.options.map(({ description }) => description),
    ...command.registeredArguments.map(({ description }) => description),
    ...command.commands.flatMap(texts),
  ];
  const all = texts(createProgram());
  t.true(all.length > 200);
  const wrong = all.flatMap((text) =>
    [...text.matchAll(/\b(an?) ([A-Za-z][\w-]*)/g)]
      .filter(([, article = '', word = '']) => withArticle(word) !== `${article} ${word}`)
      .map(() => text),
  );
  t.deepEqual(wrong, []);
});
