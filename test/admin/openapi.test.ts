import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import test from 'ava';
import { z } from 'zod';
import {
  openApi,
  openApiRoute,
  ServedOpenApi,
  type OpenApiDocument,
  type Operation,
} from '../../src/admin/openapi/document.ts';
import { problemKinds } from '../../src/admin/problem.ts';
import { route, type Call, type Route } from '../../src/admin/route.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { brokenRules, resolve } from './openapi-rules.ts';

const where = { version: '1.2.3', serverUrl: 'https://keys.example.com:9443' };
const handle = async (): Promise<never> => Promise.reject(new Error('nobody asks it'));
const again = handle;

const Colour = z.enum(['red', 'green']).meta({ id: 'SampleColour', description: 'A colour.' });
const Shelf = z
  .strictObject({
    id: z.uuid(),
    name: z.string().min(1).max(64).describe('Unique in its vault.'),
    colour: Colour.default('red'),
    madeAt: z.iso.datetime(),
    height: z.int().min(1).nullable(),
  })
  .meta({ id: 'SampleShelf', description: 'A shelf.' });
const path = z.strictObject({ vaultId: z.uuid(), shelfId: z.uuid().describe('Which shelf.') });

const list = route({
  operation: 'listShelves',
  method: 'GET',
  path: '/vaults/{vaultId}/shelves',
  tag: 'Vaults',
  summary: 'List the shelves',
  access: { kind: 'permission', vault: 'vault.read', appliance: 'appliance.read' },
  params: z.strictObject({ vaultId: z.uuid() }),
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(200).default(50).describe('Most of a page.'),
    colour: Colour.optional(),
  }),
  answer: z.strictObject({ items: z.array(Shelf), next: z.string().nullable() }),
  handle,
});
const create = route({
  operation: 'createShelf',
  method: 'POST',
  path: '/vaults/{vaultId}/shelves',
  tag: 'Vaults',
  summary: 'Make a shelf',
  description: 'Of wood.',
  access: { kind: 'permission', vault: 'vault.write' },
  params: z.strictObject({ vaultId: z.uuid() }),
  body: Shelf,
  answer: Shelf,
  creates: { again },
  handle,
});
const change = route({
  operation: 'changeShelf',
  method: 'PATCH',
  path: '/vaults/{vaultId}/shelves/{shelfId}',
  tag: 'Vaults',
  summary: 'Change a shelf',
  access: { kind: 'permission', vault: 'vault.write' },
  params: path,
  body: z.strictObject({ colour: Colour.optional() }),
  answer: Shelf,
  changes: true,
  handle,
});
const get: Route = { ...change, operation: 'getShelf', method: 'GET', changes: false };
delete get.body;
const remove: Route = { ...change, operation: 'deleteShelf', method: 'DELETE', takesAway: true };
delete remove.body;
delete remove.answer;
const endSession = route({
  operation: 'signOut',
  method: 'DELETE',
  path: '/session',
  tag: 'Sessions',
  summary: 'Sign out',
  access: { kind: 'own', sessionsOnly: true, states: ['SECOND_FACTOR', 'ACTIVE'] },
  handle,
});
const sendOn = route({
  operation: 'sendOn',
  method: 'GET',
  path: '/start',
  tag: 'Single sign-on',
  summary: 'Be sent on',
  access: { kind: 'public' },
  status: 303,
  problems: ['sign-in-refused'],
  handle,
});
const sample: Route[] = [
  list,
  create,
  change,
  get,
  remove,
  endSession,
  sendOn,
  openApiRoute(new ServedOpenApi(() => sample)),
];

function operation(document: OpenApiDocument, id: string): Operation {
  const found = Object.values(document.paths)
    .flatMap((item) => Object.values(item))
    .find(({ operationId }) => operationId === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  return found;
}

test('a document of sample routes breaks none of the rules of OpenAPI 3.1', (t) => {
  const document = openApi(sample, where);
  t.deepEqual(brokenRules(document), []);
  t.deepEqual(Object.keys(document.paths), [
    '/vaults/{vaultId}/shelves',
    '/vaults/{vaultId}/shelves/{shelfId}',
    '/session',
    '/start',
    '/openapi.json',
  ]);
  t.is(document.servers[0]?.url, 'https://keys.example.com:9443/api/v1');
  t.is(document.info.version, '1.2.3');
  t.deepEqual(JSON.parse(JSON.stringify(document)), document, 'it is plain JSON');
});

test('a path parameter and a query parameter are told with their limits and words', (t) => {
  const { parameters } = operation(openApi(sample, where), 'listShelves');
  t.deepEqual(parameters, [
    {
      name: 'vaultId',
      in: 'path',
      required: true,
      description: 'Id of the vault.',
      schema: { type: 'string', format: 'uuid' },
    },
    {
      name: 'limit',
      in: 'query',
      required: false,
      description: 'Most of a page.',
      schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
    },
    { name: 'colour', in: 'query', required: false, schema: { $ref: '#/components/schemas/SampleColour' } },
  ]);
});

test('a named schema is a component; where a client may send it otherwise than it gets it there are two', (t) => {
  const document = openApi(sample, where);
  const { SampleShelf, SampleShelfInput, SampleColour, SampleColourInput } = document.components.schemas;
  t.deepEqual(SampleShelf?.required, ['id', 'name', 'colour', 'madeAt', 'height']);
  t.is(SampleShelf?.additionalProperties, undefined, 'a later version may answer more');
  t.deepEqual(SampleShelfInput?.required, ['id', 'name', 'madeAt', 'height']);
  t.is(SampleShelfInput?.additionalProperties, false);
  t.deepEqual(SampleColour, { type: 'string', enum: ['red', 'green'], description: 'A colour.' });
  t.is(SampleColourInput, undefined, 'the same in both directions');
  const { requestBody, responses } = operation(document, 'createShelf');
  t.is(requestBody?.content['application/json'].schema.$ref, '#/components/schemas/SampleShelfInput');
  t.is(responses['201']?.content?.['application/json']?.schema.$ref, '#/components/schemas/SampleShelf');
});

test('what refers to a schema that differs by direction is told by direction as well', (t) => {
  const Inner = z.strictObject({ a: z.string().default('x') }).meta({ id: 'SampleInner' });
  const Outer = z.object({ inner: Inner }).catchall(z.string()).meta({ id: 'SampleOuter' });
  const both: Route = { ...create, operation: 'createOuter', body: Outer, answer: Outer };
  const { schemas } = openApi([both], where).components;
  t.is(schemas['SampleOuter']?.properties?.['inner']?.$ref, '#/components/schemas/SampleInner');
  t.is(schemas['SampleOuterInput']?.properties?.['inner']?.$ref, '#/components/schemas/SampleInnerInput');
});

test('a change requires If-Match, and its record is told with its ETag', (t) => {
  const document = openApi(sample, where);
  const { parameters, responses } = operation(document, 'changeShelf');
  const header = parameters.find((one) => '$ref' in one);
  t.like(resolve(document, header?.$ref ?? ''), { name: 'If-Match', in: 'header', required: true });
  t.truthy(responses['412']);
  t.truthy(responses['428']);
  t.truthy(responses['200']?.headers?.['ETag']);
  t.truthy(operation(document, 'getShelf').responses['200']?.headers?.['ETag']);
  t.is(operation(document, 'getShelf').responses['412'], undefined);
  t.is(operation(document, 'listShelves').responses['200']?.headers, undefined);
  const inForce = {
    'Holdfast-In-Force': { $ref: '#/components/headers/InForce' },
    'Holdfast-Revision': { $ref: '#/components/headers/Revision' },
  };
  t.deepEqual(operation(document, 'deleteShelf').responses['204']?.headers, inForce);
});

test('a create takes an Idempotency-Key and tells where the record is', (t) => {
  const document = openApi(sample, where);
  const { parameters, responses } = operation(document, 'createShelf');
  t.deepEqual(parameters.at(-1), { $ref: '#/components/parameters/IdempotencyKey' });
  t.deepEqual(Object.keys(responses['201']?.headers ?? {}), ['ETag', 'Location', 'Idempotency-Replayed']);
  t.is(responses['200'], undefined);
});

test('the permission is told in words, with the roles that have it, and as data', (t) => {
  const document = openApi(sample, where);
  const listed = operation(document, 'listShelves');
  t.deepEqual(listed['x-holdfast-permission'], { appliance: 'appliance.read', vault: 'vault.read' });
  t.regex(
    listed.description,
    /`appliance\.read` of the appliance .*: appliance-admin, appliance-auditor, or /,
  );
  t.regex(listed.description, /`vault\.read` of this vault .*: vault-admin, cloud-admin, auditor\./);
  t.is(operation(document, 'signOut')['x-holdfast-permission'], null);
  t.regex(
    operation(document, 'signOut').description,
    /an API key is not accepted.*still requires a second factor is accepted/,
  );
  t.regex(operation(document, 'createShelf').description, /^Of wood\.\n\nRequires /);
});

test('each route says which credentials it takes', (t) => {
  const document = openApi(sample, where);
  t.deepEqual(operation(document, 'sendOn').security, []);
  t.deepEqual(operation(document, 'signOut').security, [{ session: [] }, { cookie: [], csrfToken: [] }]);
  t.deepEqual(operation(document, 'getShelf').security, [{ session: [] }, { apiKey: [] }, { cookie: [] }]);
});

test('problems are told by status with the kinds that have it', (t) => {
  const document = openApi(sample, where);
  const { responses } = operation(document, 'createShelf');
  t.is(responses['422']?.$ref, '#/components/responses/Problem');
  t.is(
    responses['422']?.description,
    '`invalid`: A value is not allowed. `idempotency-key-reused`: The Idempotency-Key was used for another request.',
  );
  t.deepEqual(operation(document, 'sendOn')['x-holdfast-problems'], [
    'bad-request',
    'invalid',
    'sign-in-refused',
    'request-timeout',
    'too-large',
    'expectation-failed',
    'too-many-requests',
    'head-too-large',
    'internal',
    'not-implemented',
    'store-unavailable',
    'store-full',
  ]);
  t.false(operation(document, 'signOut')['x-holdfast-problems'].includes('second-factor-required'));
  t.true(operation(document, 'signOut')['x-holdfast-problems'].includes('password-change-required'));
  t.deepEqual(
    document.components.schemas['Problem']?.properties?.['type']?.enum,
    Object.keys(problemKinds).map((kind) => `urn:holdfast:problem:${kind}`),
  );
});

test('routes that contradict themselves or each other make no document', (t) => {
  const twice = { ...list, path: '/elsewhere', params: z.strictObject({}) };
  t.throws(() => openApi([list, twice], where), { message: 'two routes have the operation listShelves' });
  t.throws(() => openApi([list, { ...list, operation: 'other' }], where), { message: /two routes are GET/ });
  t.throws(() => openApi([{ ...list, tag: 'Odds' }], where), { message: /tag Odds has no description/ });
  t.throws(() => openApi([{ ...list, path: '/vaults/{vault}/shelves' }], where), {
    message: 'listShelves: the path names vault, its schema vaultId',
  });
  t.throws(() => openApi([{ ...list, answer: z.date() }], where));
});

test('the route of the document answers it for the address that operators use', async (t) => {
  const own = sample.at(-1);
  const services = { publicUrl: where.serverUrl, version: where.version };
  const answer = await own?.handle({ services } as Call<unknown, unknown, unknown>);
  t.deepEqual(answer?.body, openApi(sample, where));
  t.deepEqual(own?.access, { kind: 'public' });
});

const document = openApi(sample, where);
/** Each breaks one rule: the rules of this test can fail. */
const broken: [name: string, break_: (copy: OpenApiDocument) => void, expected: RegExp][] = [
  ['a reference to nothing', (copy) => delete copy.components.schemas['SampleColour'], /leads nowhere/],
  ['an operationId twice', (copy) => (operation(copy, 'getShelf').operationId = 'signOut'), /signOut twice/],
  [
    'an operationId with a dash',
    (copy) => (operation(copy, 'signOut').operationId = 'sign-out'),
    /camelCase/,
  ],
  ['a path parameter that is not declared', (copy) => operation(copy, 'getShelf').parameters.pop(), /differ/],
  ['a tag that is not told', (copy) => copy.tags.pop(), /is not told/],
  [
    'a security scheme that is not there',
    (copy) => delete copy.components.securitySchemes['cookie'],
    /cookie/,
  ],
  [
    'a keyword that nobody knows',
    (copy) => Object.assign(copy.components.schemas['SampleShelf'] ?? {}, { minLenght: 1 }),
    /minLenght is no keyword/,
  ],
  [
    'a name that is required only',
    (copy) => copy.components.schemas['SampleShelf']?.required?.push('depth'),
    /depth is required only/,
  ],
];

for (const [name, break_, expected] of broken)
  test(`the rules find ${name}`, (t) => {
    const copy = structuredClone(document);
    break_(copy);
    t.regex(brokenRules(copy).join('\n'), expected);
  });

test('the document of the whole API is valid to a validator of others, by the schema that the OpenAPI Initiative publishes', async (t) => {
  const whole = openApi(allRoutes, where);
  const { valid, errors } = await new Validator().validate(structuredClone(whole) as never);
  t.true(valid, JSON.stringify(errors));
  const copy = structuredClone(whole);
  delete (operation(copy, 'listVaults').responses['200'] as { description?: string }).description;
  t.false((await new Validator().validate(copy as never)).valid, 'a response must be described');
});

test('every schema of the whole API can be compiled by a strict validator of JSON Schema 2020-12', (t) => {
  const { components } = openApi(allRoutes, where);
  const ajv = new Ajv2020({ strictSchema: true, strictTypes: false, strictTuples: false });
  formats.default(ajv);
  ajv.addVocabulary(['components']);
  ajv.addSchema({ $id: 'https://holdfast.example/', components }, undefined, true, false);
  const names = Object.keys(components.schemas);
  t.true(names.length > 50);
  for (const name of names)
    t.notThrows(
      () => ajv.compile({ $ref: `https://holdfast.example/#/components/schemas/${name}` }),
      `the schema ${name}`,
    );
});

test('the document of the whole API breaks none of the rules', (t) => {
  const whole = openApi(allRoutes, where);
  t.deepEqual(brokenRules(whole), []);
  const told = Object.values(whole.paths).flatMap((item) => Object.values(item));
  t.is(told.length, allRoutes.length);
  for (const { operationId, parameters } of told)
    for (const parameter of parameters)
      if ('name' in parameter && parameter.in === 'path')
        t.truthy(parameter.description, `${operationId}: ${parameter.name} is not described`);
});
