/** Letters that are spoken with a vowel first, in abbreviations that are spelled out: an XKS credential. */
const spokenWithVowel = /^[AEFHILMNORSX]/;
/** Spoken as in `you` or `one`: a user, a unit. */
const spokenWithConsonant = /^(?:us|uni|eu|one)/i;

/** `a key set`, `an admin group`, by how the first word is spoken. */
export function withArticle(noun: string): string {
  const [first = ''] = noun.split(' ', 1);
  const isAbbreviation = /^[A-Z]{2,}/.test(first);
  const vowel = isAbbreviation
    ? spokenWithVowel.test(first)
    : /^[aeiou]/i.test(first) && !spokenWithConsonant.test(first);
  return `${vowel ? 'an' : 'a'} ${noun}`;
}
