/** Of the table under `Words that are not used` of docs/glossary.md: each word, and what is said instead. */
export function unusedWords(glossary: string): [word: RegExp, instead: string][] {
  const [, section = ''] = glossary.split('## Words that are not used');
  return section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:not|-+) /.test(line))
    .flatMap((line) => {
      const [, words = '', instead = ''] = line.split('|').map((cell) => cell.trim());
      return words
        .split(', ')
        .map((word): [RegExp, string] => [
          new RegExp(`\\b${word.replaceAll("'", "['’]").replaceAll(' ', '\\s+')}\\b`, 'giu'),
          instead,
        ]);
    });
}
