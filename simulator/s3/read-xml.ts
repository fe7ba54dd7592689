import { XMLParser } from 'fast-xml-parser';
import { s3Error } from './errors.ts';

/** A body with ten thousand parts and their checksums. */
const MAX_XML = 4 * 1024 * 1024;

/** Entities are replaced here: of those that a document could declare itself there are none in S3. */
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  trimValues: false,
});

/** The elements of a body; throws MalformedXML. */
export function readXml(body: Buffer): Record<string, unknown> {
  try {
    if (body.length > MAX_XML) throw new Error('too long');
    return parser.parse(body.toString('utf8'), true) as Record<string, unknown>;
  } catch {
    throw malformed();
  }
}

export function malformed(): Error {
  return s3Error('MalformedXML', 'The XML you provided was not well-formed or did not validate');
}

/** The element under these names, undefined where there is none. */
export function member(tree: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
    tree,
  );
}

/** Its text, undefined where there is none. */
export function text(tree: unknown, ...path: string[]): string | undefined {
  const found = member(tree, ...path);
  return typeof found === 'string' ? decode(found) : undefined;
}

/** The repeated elements of this name. */
export function repeated(tree: unknown, name: string): unknown[] {
  const found = member(tree, name);
  if (found === undefined) return [];
  return Array.isArray(found) ? (found as unknown[]) : [found];
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]{2,4}));/g, (all, decimal, hex, name) => {
    const found = NAMED[String(name)];
    if (found !== undefined) return found;
    const point = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
    return point <= 0x10_ff_ff ? String.fromCodePoint(point) : all;
  });
}
