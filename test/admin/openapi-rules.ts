import type { OpenApiDocument, Operation } from '../../src/admin/openapi/document.ts';

/*
 * What the OpenAPI 3.1 schema and specification ask of a document like ours, by hand: no schema is fetched. Each rule
 * answers what breaks it, with its place.
 */

type Json = Record<string, unknown>;

const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);
/** Keywords of JSON Schema 2020-12 that our schemas may use; one of another spelling would be ignored in silence. */
const keywords = new Set([
  ...['$ref', 'type', 'title', 'description', 'default', 'const', 'enum', 'format', 'pattern', 'examples'],
  ...['minLength', 'maxLength', 'minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum', 'multipleOf'],
  ...[
    'minItems',
    'maxItems',
    'uniqueItems',
    'items',
    'prefixItems',
    'properties',
    'propertyNames',
    'required',
  ],
  ...['additionalProperties', 'anyOf', 'oneOf', 'allOf', 'not', 'readOnly', 'deprecated', 'contentEncoding'],
  ...['minProperties', 'maxProperties'],
]);
const types = new Set(['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']);

/** Everything that is wrong with the document. */
export function brokenRules(document: OpenApiDocument): string[] {
  return [
    ...topRules(document),
    ...refRules(document),
    ...operationsOf(document).flatMap(([place, operation]) => operationRules(document, place, operation)),
    ...schemasIn(document).flatMap(([place, schema]) => schemaRules(place, schema)),
  ];
}

export function operationsOf(document: OpenApiDocument): [place: string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

function topRules({ openapi, info, paths, servers, tags, components }: OpenApiDocument): string[] {
  const used = Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ tags }) => tags));
  const told = tags.map(({ name }) => name);
  return [
    ...(/^3\.1\.\d+$/.test(openapi) ? [] : ['openapi: not 3.1']),
    ...(info.title !== '' && info.version !== '' ? [] : ['info: needs a title and a version']),
    ...servers.filter(({ url }) => !URL.canParse(url)).map(({ url }) => `servers: ${url}`),
    ...Object.keys(paths)
      .filter((path) => !path.startsWith('/'))
      .map((path) => `paths: ${path}`),
    // OpenAPI 3.1, Paths Object: templated paths with the same hierarchy but different names must not exist.
    ...repeated(Object.keys(paths).map((path) => path.replaceAll(/\{\w+\}/g, '{}'))).map(
      (path) => `paths: ${path} twice`,
    ),
    ...Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((method) => !methods.has(method))
        .map((method) => `${path}: ${method} is no method`),
    ),
    ...repeated(told).map((name) => `tags: ${name} twice`),
    ...[...new Set(used)].filter((name) => !told.includes(name)).map((name) => `tags: ${name} is not told`),
    ...tags
      .filter(({ description }) => description === '')
      .map(({ name }) => `tags: ${name} is not described`),
    ...Object.values(components).flatMap((kind) =>
      Object.keys(kind)
        .filter((name) => !/^[a-zA-Z0-9._-]+$/.test(name))
        .map((name) => `components: ${name}`),
    ),
    ...repeated(operationIds(paths)).map((id) => `operationId ${id} twice`),
  ];
}

function operationIds(paths: OpenApiDocument['paths']): string[] {
  return Object.values(paths).flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
}

function refRules(document: OpenApiDocument): string[] {
  return [...walk(document, '#')].flatMap(([place, value]) => {
    const ref = value['$ref'];
    if (typeof ref !== 'string') return [];
    return resolve(document, ref) === undefined ? [`${place}: ${ref} leads nowhere`] : [];
  });
}

function operationRules(document: OpenApiDocument, place: string, operation: Operation): string[] {
  const { operationId, summary, description, parameters, responses, security, requestBody } = operation;
  const all = parameters.map((one) => ('$ref' in one ? resolve(document, one.$ref) : one) as Json);
  const inPath = [...place.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).toSorted();
  const declared = all.filter((one) => one['in'] === 'path').map((one) => String(one['name']));
  const schemes = Object.keys(document.components.securitySchemes);
  return [
    ...(/^[a-z][a-zA-Z0-9]*$/.test(operationId) ? [] : ['operationId is not camelCase']),
    ...(summary === '' || summary.endsWith('.') ? ['its summary is no line'] : []),
    ...(description === '' ? ['it is not described'] : []),
    ...(inPath.join() === declared.toSorted().join()
      ? []
      : ['parameters of the path and declared ones differ']),
    ...repeated(all.map((one) => `${String(one['in'])} ${String(one['name'])}`)).map(
      (name) => `${name} twice`,
    ),
    ...all
      .filter((one) => !['path', 'query', 'header', 'cookie'].includes(String(one['in'])) || !one['schema'])
      .map((one) => `parameter ${String(one['name'])} has no place or schema`),
    ...all
      .filter((one) => one['in'] === 'path' && one['required'] !== true)
      .map((one) => `parameter ${String(one['name'])} of the path is not required`),
    ...(Object.keys(responses).some((status) => /^[23]\d\d$/.test(status)) ? [] : ['it never succeeds']),
    ...Object.entries(responses)
      .filter(([status, response]) => !/^[1-5]\d\d$/.test(status) || response.description === '')
      .map(([status]) => `response ${status}`),
    ...(responses['204']?.content === undefined ? [] : ['204 has no body']),
    ...security
      .flatMap((one) => Object.keys(one))
      .filter((name) => !schemes.includes(name))
      .map((name) => `security scheme ${name} is not told`),
    ...(place.startsWith('GET') && requestBody !== undefined ? ['GET has no body'] : []),
  ].map((problem) => `${place}: ${problem}`);
}

/** Every JSON Schema in the document, with those inside it. */
function schemasIn(document: OpenApiDocument): [place: string, schema: Json][] {
  const roots: [string, unknown][] = Object.entries(document.components.schemas).map(([name, schema]) => [
    `#/components/schemas/${name}`,
    schema,
  ]);
  for (const [place, value] of walk(
    { paths: document.paths, components: { ...document.components, schemas: {} } },
    '#',
  ))
    if (typeof value['schema'] === 'object') roots.push([`${place}/schema`, value['schema']]);
  return roots.flatMap(([place, schema]) => inside(place, schema));
}

function inside(place: string, schema: unknown): [string, Json][] {
  if (typeof schema !== 'object' || schema === null) return [];
  const node = schema as Json;
  const children: [string, unknown][] = [];
  for (const key of ['items', 'additionalProperties', 'propertyNames', 'not'])
    children.push([key, node[key]]);
  for (const key of ['anyOf', 'oneOf', 'allOf', 'prefixItems'])
    for (const [index, child] of ((node[key] ?? []) as unknown[]).entries())
      children.push([`${key}/${index}`, child]);
  for (const [name, child] of Object.entries((node['properties'] ?? {}) as Json))
    children.push([`properties/${name}`, child]);
  return [[place, node], ...children.flatMap(([key, child]) => inside(`${place}/${key}`, child))];
}

function schemaRules(place: string, schema: Json): string[] {
  const { type, required, properties, pattern } = schema;
  const named = Object.keys(properties ?? {});
  const listed = (Array.isArray(type) ? type : [type ?? 'object']) as string[];
  return [
    ...Object.keys(schema)
      .filter((key) => !keywords.has(key))
      .map((key) => `${key} is no keyword that we know`),
    ...listed.filter((one) => !types.has(one)).map((one) => `type ${one}`),
    ...((required ?? []) as string[])
      .filter((name) => !named.includes(name))
      .map((name) => `${name} is required only`),
    ...repeated((required ?? []) as string[]).map((name) => `${name} is required twice`),
    ...(typeof pattern === 'string' && !isPattern(pattern) ? ['its pattern cannot be read'] : []),
    ...(['anyOf', 'oneOf', 'allOf', 'enum'] as const)
      .filter((key) => Array.isArray(schema[key]) && schema[key].length === 0)
      .map((key) => `${key} is empty`),
  ].map((problem) => `${place}: ${problem}`);
}

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test('') || true;
  } catch {
    return false;
  }
}

function* walk(value: unknown, place: string): Generator<[string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [place, value as Json];
  for (const [key, inner] of Object.entries(value))
    yield* walk(inner, `${place}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}

export function resolve(document: unknown, ref: string): unknown {
  if (!ref.startsWith('#/')) return undefined;
  let at = document;
  for (const part of ref.slice(2).split('/'))
    at = (at as Json | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  return at;
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
