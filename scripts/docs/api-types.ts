import { openApi, type SchemaNode } from '../../src/admin/openapi/document.ts';
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
  ].join('\n\n');
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

function fieldsOf(properties: Record<string, SchemaNode>, required: readonly string[] = []): string {
  const fields = Object.entries(properties).map(([name, node]) => {
    const words = node.description?.replaceAll('*/', '* /');
    const key = /^[A-Za-z]\w*$/.test(name) ? name : JSON.stringify(name);
    return `${words === undefined ? '' : `/** ${words} */\n`}${key}${required.includes(name) ? '' : '?'}: ${typeOf(node)};`;
  });
  return `{\n${fields.join('\n')}\n}`;
}

/** A schema as a type of TypeScript, in which components are members of `Schemas`. */
export function typeOf(node: SchemaNode): string {
  const some = node.anyOf ?? node.oneOf;
  if (node.$ref !== undefined) return `Schemas['${node.$ref.replace(/^.*\//, '')}']`;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (some !== undefined) return some.map((one) => `(${typeOf(one)})`).join(' | ');
  if (node.allOf !== undefined) return node.allOf.map((one) => `(${typeOf(one)})`).join(' & ');
  if (Array.isArray(node.type)) return node.type.map((type) => typeOf({ ...node, type })).join(' | ');
  if (node.type === undefined) return 'unknown';
  const told = byType[node.type];
  if (told === undefined) throw new Error(`the type ${node.type} has none in TypeScript here`);
  return told(node);
}

const byType: Readonly<Record<string, (node: SchemaNode) => string>> = {
  string: () => 'string',
  boolean: () => 'boolean',
  null: () => 'null',
  integer: () => 'number',
  number: () => 'number',
  array: ({ prefixItems, items }) =>
    prefixItems === undefined ? `(${typeOf(items ?? {})})[]` : `[${prefixItems.map(typeOf).join(', ')}]`,
  object: objectOf,
};

function objectOf({ properties, required, additionalProperties }: SchemaNode): string {
  const others = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown';
  if (properties === undefined) return `Record<string, ${others}>`;
  return fieldsOf(properties, required);
}
