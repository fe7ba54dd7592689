import type { SchemaNode } from '../openapi/document.ts';

const code = (text: string) => `\`${text}\``;

/** One field of a JSON object as a row of a table. */
export interface Field {
  /** Dotted from the top; `[]` stands for each item of a list. */
  name: string;
  type: string;
  required: boolean;
  description: string;
}

const componentPrefix = '#/components/schemas/';

/** Fields of an object, those of unnamed objects within it too; empty for what is no object. */
export function fieldsOf(schema: SchemaNode, above = ''): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, node]) => {
    const name = `${above}${key}`;
    const field: Field = {
      name,
      type: typeOf(node),
      required: schema.required?.includes(key) === true,
      description: [node.description, defaultOf(node)].filter((part) => part !== undefined).join(' '),
    };
    return [field].concat(fieldsOf(node, `${name}.`), fieldsOf(node.items ?? {}, `${name}[].`));
  });
}

/** What a value may be, in words with its limits; named schemas are links. */
export function typeOf(node: SchemaNode): string {
  if (node.$ref !== undefined) return linkTo(node.$ref.slice(componentPrefix.length));
  if (node.const !== undefined) return code(JSON.stringify(node.const));
  if (node.enum !== undefined) return node.enum.map((value) => code(JSON.stringify(value))).join(', ');
  const choices = node.anyOf ?? node.oneOf;
  if (choices !== undefined) return [...new Set(choices.map(choiceInWords))].join(' or ');
  if (Array.isArray(node.type)) return node.type.map((type) => typeOf({ ...node, type })).join(' or ');
  switch (node.type) {
    case 'null':
      return 'null';
    case 'boolean':
      return 'true or false';
    case 'integer':
    case 'number':
      return rangeOf(node.type, node);
    case 'string':
      return stringOf(node);
    case 'array':
      return listOf(node);
    case 'object':
      return objectOf(node);
    case undefined:
    default:
      return 'any';
  }
}

/** The heading of a named schema; a tag may have the same name. */
export function headingOf(name: string): string {
  return `${name} (object)`;
}

function linkTo(name: string): string {
  return `[${name}](#${name.toLowerCase()}-object)`;
}

/** An object that is one of several choices is told by its fields. */
function choiceInWords(node: SchemaNode): string {
  if (node.type !== 'object' || node.properties === undefined) return typeOf(node);
  const fields = Object.entries(node.properties).map(([name, inner]) => `${name}: ${typeOf(inner)}`);
  return `{ ${fields.join('; ')} }`;
}

function defaultOf(node: SchemaNode): string | undefined {
  return node.default === undefined ? undefined : `Unless given ${code(JSON.stringify(node.default))}.`;
}

function rangeOf(
  type: 'integer' | 'number',
  { minimum, exclusiveMinimum, maximum, exclusiveMaximum }: SchemaNode,
): string {
  const min = minimum ?? (exclusiveMinimum === undefined ? undefined : `more than ${exclusiveMinimum}`);
  const max = maximum ?? (exclusiveMaximum === undefined ? undefined : `less than ${exclusiveMaximum}`);
  if (min !== undefined && max !== undefined) return `${type}, ${min} to ${max}`;
  if (min !== undefined) return `${type}, from ${min}`;
  return max === undefined ? type : `${type}, ${max} at most`;
}

const formats: Readonly<Record<string, string>> = {
  uuid: 'UUID',
  'date-time': 'time (ISO 8601, UTC)',
  email: 'email address',
  uri: 'URL',
};

function stringOf({ format, pattern, minLength, maxLength }: SchemaNode): string {
  const known = format === undefined ? undefined : formats[format];
  const size =
    maxLength === undefined
      ? minLength === undefined || minLength === 0
        ? undefined
        : `${minLength} characters or more`
      : minLength === undefined || minLength === 0
        ? `${maxLength} characters at most`
        : minLength === maxLength
          ? `${maxLength} characters`
          : `${minLength} to ${maxLength} characters`;
  const form = pattern === undefined ? undefined : code(pattern.replaceAll('\\/', '/'));
  return [known ?? 'string', size, form].filter((part) => part !== undefined).join(', ');
}

function listOf({ items, minItems, maxItems }: SchemaNode): string {
  const what = items === undefined ? 'values' : typeOf(items);
  if (maxItems === undefined) return `list of ${what}`;
  return `list of ${minItems === undefined ? `${maxItems} at most` : `${minItems} to ${maxItems}`}: ${what}`;
}

function objectOf({ properties, additionalProperties }: SchemaNode): string {
  if (properties !== undefined || typeof additionalProperties !== 'object') return 'object';
  const values = typeOf(additionalProperties);
  return values === 'any' ? 'object with any names' : `object with any names, each ${values}`;
}
