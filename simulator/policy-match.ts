/*
 * Patterns are texts in which * stands for any characters, / and : included, and ? for exactly one. What policy variables bring in
 * is never read as a wildcard, so variables are filled in as literal text: `${*}` and their values come marked.
 */

/** Condition keys and their values; names are not case sensitive. An absent or undefined key is not in the request. */
export type ConditionContext = Readonly<Record<string, string | readonly string[] | undefined>>;

const LITERAL = '\u{E000}';

/** Whether the whole text fits. Linear in pattern × text at worst: no regular expression made of a policy's text. */
export function matches(pattern: string, text: string): boolean {
  const wanted = tokens(pattern);
  const given = Array.from(text);
  let [p, t, star, mark] = [0, 0, -1, 0];
  while (t < given.length) {
    const token = wanted[p];
    if (token === '*') {
      star = p++;
      mark = t;
    } else if (token !== undefined && (token === '?' || token.replace(LITERAL, '') === given[t])) {
      p++;
      t++;
    } else if (star !== -1) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (wanted[p] === '*') p++;
  return p === wanted.length;
}

/** Action names are not case sensitive. */
export function matchesAction(pattern: string, action: string): boolean {
  return matches(pattern.toLowerCase(), action.toLowerCase());
}

function tokens(pattern: string): string[] {
  const result: string[] = [];
  let literal = false;
  for (const character of pattern) {
    if (character === LITERAL) literal = true;
    else {
      result.push(literal ? LITERAL + character : character);
      literal = false;
    }
  }
  return result;
}

const VARIABLE = /\$\{([^}]*)\}/g;
const DEFAULT = /^([^,]+?)\s*,\s*'([^']*)'$/;

/** IAM User Guide, "Policy variables and tags". Undefined where a variable has no value: such a pattern fits nothing. */
export function fillVariables(pattern: string, context: ConditionContext): string | undefined {
  let missing = false;
  const filled = pattern.replaceAll(VARIABLE, (_whole, inner: string) => {
    const name = inner.trim();
    if (name === '*' || name === '?' || name === '$') return literally(name);
    const fallback = DEFAULT.exec(name);
    const value = valueOf(context, fallback?.[1] ?? name) ?? fallback?.[2];
    if (value === undefined) missing = true;
    return literally(value ?? '');
  });
  return missing ? undefined : filled;
}

function literally(text: string): string {
  return Array.from(text, (character) => LITERAL + character).join('');
}

/** Without marks, for operators that know no wildcards. */
export function plain(text: string): string {
  return text.replaceAll(LITERAL, '');
}

function valueOf(context: ConditionContext, key: string): string | undefined {
  const wanted = key.toLowerCase();
  for (const [name, value] of Object.entries(context))
    if (name.toLowerCase() === wanted && typeof value === 'string') return value;
  return undefined;
}
