/** Writes XML as AWS does: values as text, absent ones left out. `lists`: arrays as `<member>`s (IAM, STS) or as repeated elements (S3). */
export function element(name: string, value: unknown, lists: 'member' | 'repeated'): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) {
    if (lists === 'repeated') return value.map((item) => element(name, item, lists)).join('');
    return `<${name}>${value.map((item) => element('member', item, lists)).join('')}</${name}>`;
  }
  return `<${name}>${content(value, lists)}</${name}>`;
}

/** What stands between an element's tags. */
export function content(value: unknown, lists: 'member' | 'repeated'): string {
  if (value instanceof Date) return value.toISOString().replace(/\.\d{3}Z$/, 'Z');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, inner]) => element(name, inner, lists))
      .join('');
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return escape(String(value));
  throw new TypeError('This cannot be written as XML');
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function escape(text: string): string {
  return text
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
    .replaceAll(/[\r\n\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
