import { z } from 'zod';

/** A zod schema as JSON Schema, as far as our settings use it. */
export interface Node {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
  additionalProperties?: Node | boolean;
  anyOf?: Node[];
  oneOf?: Node[];
}

/** One setting as a row of a table. */
export interface Setting {
  /** Dotted from the top of the file. */
  name: string;
  type: string;
  fallback: string;
  description: string;
}

export interface Table {
  /** As it stands in TOML: `[xks.tls]` or `[[token]]`; '' for the top of the file. */
  head: string;
  description: string;
  settings: Setting[];
}

export function toSchema(schema: z.ZodType): Node {
  return z.toJSONSchema(schema, { io: 'input' }) as Node;
}

/** Every table of a TOML file with this schema, outer ones first. Throws where a setting is not described. */
export function tablesOf(schema: Node): Table[] {
  return walk(schema, [], false);
}

function walk(schema: Node, path: string[], isArray: boolean): Table[] {
  const name = path.join('.');
  const settings: Setting[] = [];
  const inner: Table[] = [];
  for (const [key, node] of Object.entries(mergedProperties(schema))) {
    const here = [...path, key];
    const list = node.type === 'array' && node.items?.properties !== undefined;
    if (list && node.items !== undefined)
      inner.push(...walk({ ...node.items, description: node.description ?? '' }, here, true));
    else if (node.properties !== undefined || node.oneOf !== undefined)
      inner.push(...walk(node, here, false));
    else settings.push(toSetting(here.join('.'), node, schema.required?.includes(key) === true));
  }
  const head = name === '' ? '' : isArray ? `[[${name}]]` : `[${name}]`;
  const own = { head, description: schema.description ?? '', settings };
  return settings.length === 0 ? inner : [own, ...inner];
}

/** Of a choice between tables the settings of all of them: the one that chooses lists its values. */
function mergedProperties(schema: Node): Record<string, Node> {
  if (schema.properties !== undefined) return schema.properties;
  const merged: Record<string, Node> = {};
  for (const choice of schema.oneOf ?? []) {
    for (const [key, node] of Object.entries(choice.properties ?? {})) {
      const known = merged[key];
      if (known === undefined) merged[key] = node;
      else merged[key] = { ...known, enum: [...(known.enum ?? [known.const]), node.const] };
    }
  }
  const preset = (schema.default ?? {}) as Record<string, unknown>;
  for (const [key, node] of Object.entries(merged))
    if (preset[key] !== undefined) merged[key] = { ...node, default: preset[key] };
  return merged;
}

function toSetting(name: string, node: Node, required: boolean): Setting {
  if (node.description === undefined) throw new Error(`the setting ${name} has no description in its schema`);
  const fallback = required ? '**required**' : node.default === undefined ? '–' : code(toToml(node.default));
  return { name, type: typeOf(node), fallback, description: node.description };
}

export function typeOf(node: Node): string {
  if (node.enum !== undefined) return node.enum.map((value) => code(toToml(value))).join(', ');
  if (node.const !== undefined) return code(toToml(node.const));
  if (node.anyOf !== undefined) {
    const choices = [...new Set(node.anyOf.map(typeOf))];
    return choices.join(' or ');
  }
  switch (node.type) {
    case 'array':
      return `list of ${node.items === undefined ? 'values' : typeOf(node.items)}`;
    case 'object':
      return 'table';
    case 'boolean':
      return 'true or false';
    case 'integer':
    case 'number':
      return rangeOf(node);
    case 'string':
      return stringOf(node);
    case undefined:
    default:
      throw new Error(`no words for the type ${node.type ?? '(none)'}`);
  }
}

function rangeOf(node: Node): string {
  const min = node.minimum ?? (node.exclusiveMinimum === undefined ? undefined : node.exclusiveMinimum + 1);
  const max = node.maximum === Number.MAX_SAFE_INTEGER ? undefined : node.maximum;
  if (min === undefined) return 'integer';
  return max === undefined ? `integer, from ${min}` : `integer, ${min} to ${max}`;
}

function stringOf(node: Node): string {
  if (node.pattern !== undefined) return `string, ${code(node.pattern.replaceAll('\\/', '/'))}`;
  return node.maxLength === undefined ? 'string' : `string, ${node.maxLength} characters at most`;
}

export function toToml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toToml).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return Object.keys(value).length === 0
      ? '{}'
      : `{ ${Object.entries(value)
          .map(([key, inner]) => `${key} = ${toToml(inner)}`)
          .join(', ')} }`;
  return JSON.stringify(value);
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** A Markdown table; bars in cells are escaped, in code too. */
export function toMarkdownTable(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function settingsTable(settings: Setting[]): string {
  return toMarkdownTable(
    ['setting', 'type', 'default', 'what it is'],
    settings.map(({ name, type, fallback, description }) => [code(name), type, fallback, description]),
  );
}
