import { openApi, type Operation, type SchemaNode } from '../../src/admin/openapi/document.ts';
import { allRoutes } from '../../src/admin/routes.ts';

/*
 * The types of the OpenAPI document for the command line and the console, which know the API by nothing else. By a generator of our own:
 * openapi-typescript prints with the compiler API of TypeScript 5 (its peer), which TypeScript 7 does not have.
 */

const document = openApi(allRoutes, { version: '', serverUrl: 'https://localhost' });

/** What the API answers; nothing of it is there at run time. */
export function apiTypes(): string {
  const { Problem: _, ...schemas } = document.components.schemas;
  return [
    // As long as the API is large.
    '/* oxlint-disable max-lines -- generated */',
    '/** What the management API answers, by the name of its schema in OpenAPI. A later version may answer more. */' +
      `\nexport interface Schemas ${fieldsOf(schemas, Object.keys(schemas))}`,
    '/** The paths under /api/v1: of each method what it takes, and what it answers where all is well. */' +
      `\nexport interface Paths {\n${Object.entries(document.paths).map(pathType).join('\n')}\n}`,
  ].join('\n\n');
}

function pathType([path, item]: [string, Readonly<Record<string, Operation>>]): string {
  const methods = Object.entries(item).map(
    ([method, operation]) => `${method.toUpperCase()}: ${operationType(operation)};`,
  );
  return `${JSON.stringify(path)}: {\n${methods.join('\n')}\n};`;
}

function operationType({ parameters, requestBody, responses }: Operation): string {
  const query = parameters.flatMap((one) => ('in' in one && one.in === 'query' ? [one] : []));
  const required = query.filter((one) => one.required).map(({ name }) => name);
  const fields = Object.fromEntries(query.map(({ name, schema }) => [name, schema]));
  const good = Object.entries(responses).find(([status]) => /^[23]/.test(status))?.[1].content?.[
    'application/json'
  ];
  return `{
    query: ${query.length === 0 ? 'undefined' : fieldsOf(fields, required, sent)};
    body: ${requestBody === undefined ? 'undefined' : typeOf(requestBody.content['application/json'].schema, sent)};
    answer: ${good === undefined ? 'undefined' : typeOf(good.schema)};
  }`;
}

/** Values that the API takes, for the options of commands. */
export function apiChoices(): string {
  const lists = {
    permissions: choices('/user/api-keys', 'scope'),
    vaultRoles: choices('/vaults/{vaultId}/users', 'role'),
    applianceRoles: choices('/users', 'role'),
  };
  return Object.entries(lists)
    .map(([name, values]) => `export const ${name} = ${JSON.stringify(values)} as const;`)
    .join('\n\n');
}

/** What a field of the body that creates a record may be, or each item of it. */
function choices(path: string, field: string): unknown[] {
  const body =
    document.paths[path]?.post?.requestBody?.content['application/json'].schema.properties?.[field];
  const values = body?.enum ?? body?.items?.enum;
  if (values === undefined) throw new Error(`POST ${path}: ${field} has no choices`);
  return values;
}

/**
 * What is behind the type of a field that is sent and need not be: one that is undefined is not sent either. What such
 * fields mean stands in docs/api.md.
 */
const sent = ' | undefined';

function fieldsOf(
  properties: Record<string, SchemaNode>,
  required: readonly string[] = [],
  optional = '',
): string {
  const fields = Object.entries(properties).map(([name, node]) => {
    const words = optional === sent ? undefined : node.description?.replaceAll('*/', '* /');
    const key = /^[A-Za-z]\w*$/.test(name) ? name : JSON.stringify(name);
    const [mark, more] = required.includes(name) ? ['', ''] : ['?', optional];
    return `${words === undefined ? '' : `/** ${words} */\n`}${key}${mark}: ${typeOf(node, optional)}${more};`;
  });
  return `{\n${fields.join('\n')}\n}`;
}

/** A schema as a type of TypeScript, in which components are members of `Schemas`. */
export function typeOf(node: SchemaNode, optional = ''): string {
  const some = node.anyOf ?? node.oneOf;
  if (node.$ref !== undefined) return `Schemas['${node.$ref.replace(/^.*\//, '')}']`;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (some !== undefined) return some.map((one) => `(${typeOf(one, optional)})`).join(' | ');
  if (node.allOf !== undefined) return node.allOf.map((one) => `(${typeOf(one, optional)})`).join(' & ');
  if (Array.isArray(node.type))
    return node.type.map((type) => typeOf({ ...node, type }, optional)).join(' | ');
  if (node.type === undefined) return 'unknown';
  const told = byType[node.type];
  if (told === undefined) throw new Error(`the type ${node.type} has none in TypeScript here`);
  return told(node, optional);
}

const byType: Readonly<Record<string, (node: SchemaNode, optional: string) => string>> = {
  string: () => 'string',
  boolean: () => 'boolean',
  null: () => 'null',
  integer: () => 'number',
  number: () => 'number',
  array: ({ prefixItems, items }, optional) =>
    prefixItems === undefined
      ? `${optional === sent ? 'readonly ' : ''}(${typeOf(items ?? {}, optional)})[]`
      : `[${prefixItems.map((one) => typeOf(one, optional)).join(', ')}]`,
  object: objectOf,
};

function objectOf({ properties, required, additionalProperties }: SchemaNode, optional: string): string {
  const others = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
  if (properties === undefined) return `Record<string, ${others}>`;
  return fieldsOf(properties, required, optional);
}
