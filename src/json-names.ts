/*
 * Of a name that an object has twice JSON.parse keeps the last value, and other readers the first (RFC 8259, section 4): who
 * looks at a request before us, or at a log after, may have read another one than we did. So both APIs refuse it. And V8
 * itself may take an escaped name for one that somebody else's request has had (nodejs/node#63785, Chromium 521080746).
 */

/** An object has a name twice, or JSON.parse has made another name of one than was written. */
export type NameTrouble = 'twice' | 'misread';

/** What is wrong with the names in `text`; `value` is what JSON.parse has made of it, untouched. */
export function nameTrouble(text: string, value: unknown): NameTrouble | undefined {
  // Text that JSON.parse takes has as many names as strings with a colon behind them, and `value` as many as it kept.
  if (!text.includes('\\')) return countWritten(text) === countKept(value) ? undefined : 'twice';
  const written = namesWritten(text);
  if (written === undefined) return 'twice';
  const kept = namesKept(value).toSorted();
  const isSame = written.length === kept.length && written.toSorted().every((name, at) => name === kept[at]);
  return isSame ? undefined : 'misread';
}

const quote = '"';
const colon = 0x3a;

/** Of text without any escape. */
function countWritten(text: string): number {
  let names = 0;
  for (let start = text.indexOf(quote); start >= 0; start = text.indexOf(quote, start)) {
    start = afterSpace(text, text.indexOf(quote, start + 1) + 1);
    if (text.charCodeAt(start) === colon) names++;
  }
  return names;
}

function afterSpace(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at++;
  }
}

/** All names of all objects of text that JSON.parse takes; undefined where an object has one twice. */
function namesWritten(text: string): string[] | undefined {
  const names: string[] = [];
  // Of the objects that are open, names so far; of lists nothing.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const token = text[at];
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token === quote) {
      const start = at;
      at = endOfString(text, start);
      if (text.charCodeAt(afterSpace(text, at + 1)) !== colon) continue;
      // A text alone has no name that could be mistaken.
      const name = JSON.parse(text.slice(start, at + 1)) as string;
      const object = open.at(-1);
      if (object?.has(name) === true) return undefined;
      object?.add(name);
      names.push(name);
    }
  }
  return names;
}

/** Where the quote is that ends the string which begins at `start`: one that an odd number of backslashes stands before ends none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf(quote, start + 1); ; end = text.indexOf(quote, end + 1)) {
    let before = end;
    while (text.charCodeAt(before - 1) === 0x5c) before--;
    if ((end - before) % 2 === 0) return end;
  }
}

function countKept(value: unknown): number {
  let names = 0;
  for (const object of objectsIn(value)) names += Object.keys(object).length;
  return names;
}

function namesKept(value: unknown): string[] {
  const names: string[] = [];
  for (const object of objectsIn(value)) names.push(...Object.keys(object));
  return names;
}

/** In a loop: what is nested deep is not to use up the stack. */
function objectsIn(value: unknown): object[] {
  const objects: object[] = [];
  const left: unknown[] = [value];
  while (left.length > 0) {
    const one = left.pop();
    if (typeof one !== 'object' || one === null) continue;
    if (!Array.isArray(one)) objects.push(one);
    for (const member of Object.values(one) as unknown[])
      if (typeof member === 'object' && member !== null) left.push(member);
  }
  return objects;
}
