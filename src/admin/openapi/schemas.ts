import { z } from 'zod';

/** A JSON Schema (draft 2020-12), as far as our zod schemas use it. */
export interface SchemaNode {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: SchemaNode;
  prefixItems?: SchemaNode[];
  properties?: Record<string, SchemaNode>;
  propertyNames?: SchemaNode;
  required?: string[];
  additionalProperties?: SchemaNode | boolean;
  anyOf?: SchemaNode[];
  oneOf?: SchemaNode[];
  allOf?: SchemaNode[];
  $schema?: string;
  $defs?: Record<string, SchemaNode>;
}

/** What a client sends, or what it gets: defaults and strictness are told differently. */
type Direction = 'input' | 'output';

const prefix = '#/components/schemas/';
/** Told by their format already; their patterns would fill the page. */
const formatsThatSayItAll = new Set(['uuid', 'date-time', 'email', 'uri', 'ipv4', 'ipv6']);

/**
 * Makes JSON Schemas of zod schemas and collects those with a name (`.meta({ id })`) as components. References are told
 * apart by direction until {@link SchemaBook.finish}: only then is known whether a name means the same in both.
 */
export class SchemaBook {
  readonly #named: Record<Direction, Map<string, SchemaNode>> = { input: new Map(), output: new Map() };

  /** Throws where a schema cannot be told in JSON Schema. */
  of(schema: z.ZodType, direction: Direction): SchemaNode {
    const {
      $schema: _,
      $defs = {},
      ...node
    } = z.toJSONSchema(schema, {
      target: 'draft-2020-12',
      io: direction,
      override: ({ jsonSchema }) => tidy(jsonSchema as SchemaNode, direction),
    }) as SchemaNode;
    for (const [name, named] of Object.entries($defs)) {
      const known = this.#named[direction].get(name);
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(named))
        throw new Error(`two schemas have the name ${name}`);
      this.#named[direction].set(name, named);
    }
    return mapRefs(node, (ref) => `${direction}:${ref.slice('#/$defs/'.length)}`);
  }

  /** The document with its references made good, and its components. */
  finish<T>(document: T): { document: T; schemas: Record<string, SchemaNode> } {
    const differing = this.#differing();
    const nameOf = (direction: Direction, name: string) =>
      direction === 'input' && differing.has(name) ? `${name}Input` : name;
    const schemas: Record<string, SchemaNode> = {};
    for (const direction of ['output', 'input'] as const) {
      for (const [name, node] of this.#named[direction]) {
        const told = nameOf(direction, name);
        const made = mapRefs(node, (ref) => prefix + nameOf(direction, ref.slice('#/$defs/'.length)));
        if (schemas[told] !== undefined && JSON.stringify(schemas[told]) !== JSON.stringify(made))
          throw new Error(`two schemas have the name ${told}`);
        schemas[told] = made;
      }
    }
    const good = (ref: string) => {
      const [direction, name] = ref.split(':', 2);
      return name === undefined ? ref : prefix + nameOf(direction as Direction, name);
    };
    return {
      document: mapRefs(document, good),
      schemas: Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  /** Names that a client may not send as it gets them, with all that refer to one. */
  #differing(): Set<string> {
    const { input, output } = this.#named;
    const differing = new Set<string>();
    for (const [name, node] of input)
      if (output.has(name) && JSON.stringify(output.get(name)) !== JSON.stringify(node)) differing.add(name);
    for (let before = -1; before !== differing.size;) {
      before = differing.size;
      for (const [name, node] of input)
        if (output.has(name) && refsOf(node).some((ref) => differing.has(ref.slice('#/$defs/'.length))))
          differing.add(name);
    }
    return differing;
  }
}

function tidy(node: SchemaNode, direction: Direction): void {
  if (node.format !== undefined && formatsThatSayItAll.has(node.format)) delete node.pattern;
  if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
  if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
  // A later version may answer more: clients made from this document must not stumble over it.
  if (direction === 'output' && node.additionalProperties === false) delete node.additionalProperties;
  if (direction === 'output') delete node.default;
}

function mapRefs<T>(value: T, change: (ref: string) => string): T {
  if (Array.isArray(value)) return value.map((item) => mapRefs(item as unknown, change)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string' ? change(inner) : mapRefs(inner as unknown, change),
    ]),
  ) as T;
}

function refsOf(value: unknown): string[] {
  const refs: string[] = [];
  mapRefs(value, (ref) => {
    refs.push(ref);
    return ref;
  });
  return refs;
}
