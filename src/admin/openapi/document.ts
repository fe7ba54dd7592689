import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { operationOf, type Operation, type Parameter } from './operation.ts';
import { problemResponse, problemSchema } from './problems.ts';
import { SchemaBook, type SchemaNode } from './schemas.ts';
import { tagDescriptions } from './tags.ts';
import { route, type Method, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';

export type { Operation, Parameter, SchemaNode };

type PathItem = Partial<Record<Lowercase<Method>, Operation>>;

export interface OpenApiDocument {
  openapi: '3.1.0';
  jsonSchemaDialect: string;
  info: Record<string, unknown> & { title: string; version: string; description: string };
  servers: { url: string; description: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, PathItem>;
  components: {
    schemas: Record<string, SchemaNode>;
    parameters: Record<string, unknown>;
    headers: Record<string, unknown>;
    responses: Record<string, unknown>;
    securitySchemes: Record<string, unknown>;
  };
}

/** What every client has to know; also the head of docs/api.md. */
export const conventions = `Everything is under \`/api/v1\`: JSON in and out, names in camelCase, times in UTC (ISO 8601), ids as UUIDs.

**Sign-in.** A session's token (\`hfs_…\`) or an API key (\`hfk_…\`) goes into \`Authorization: Bearer\`. A browser has the session in the cookie \`__Host-holdfast-session\` instead and sends \`X-CSRF-Token\` with everything but GET.

**Vaults.** Whatever belongs to another vault, or to an admin group that one is not in, is answered as if it were not there: 404.

**Changes.** A record comes with an \`ETag\`. To change it, send it back in \`If-Match\`: 412 says that somebody else changed the record meanwhile, 428 that the header is missing. \`If-Match: *\` overwrites whatever is there.

**Creates** take an \`Idempotency-Key\`: sent again with the same request within a day, it answers what was made the first time, with \`Idempotency-Replayed: true\` and without the secrets that are shown once.

**Lists** come in pages: \`limit\` 1 to 200 (50 unless told), and \`next\`, to be sent as \`cursor\` for the page after; null at the end. A page of a filter that lets little pass may have fewer items, or none, and a \`next\`: the list went through 200,000 by then.

**Refusals** are problems (RFC 9457, \`application/problem+json\`). \`type\` names the kind, \`fields\` the wrong values by place, \`remediation\` what to do, \`instance\` the request id as in the log. Unknown fields are refused, so that a misspelt one is not lost; answers may get more fields in later versions.`;

/**
 * The API as an OpenAPI 3.1 document, from the very data that serves it. Throws where the routes contradict each other or
 * themselves: a document that is wrong is worse than none.
 */
export function openApi(routes: readonly Route[], where: Where): OpenApiDocument {
  const steps = openApiSteps(routes, where);
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

interface Where {
  version: string;
  serverUrl: string;
}

/** Route by route: all of them at once would hold up whatever else the process does. */
function* openApiSteps(
  routes: readonly Route[],
  { version, serverUrl }: Where,
): Generator<undefined, OpenApiDocument> {
  const book = new SchemaBook();
  const tagged = new Set(routes.filter(({ changes }) => changes === true).map(({ path }) => path));
  const operations = new Set<string>();
  const drafts: Record<string, PathItem> = {};
  for (const one of routes) {
    if (operations.has(one.operation)) throw new Error(`two routes have the operation ${one.operation}`);
    operations.add(one.operation);
    if (tagDescriptions[one.tag] === undefined)
      throw new Error(`${one.operation}: the tag ${one.tag} has no description in tags.ts`);
    const item = (drafts[one.path] ??= {});
    const method = one.method.toLowerCase() as Lowercase<Method>;
    if (item[method] !== undefined) throw new Error(`two routes are ${one.method} ${one.path}`);
    const hasTag =
      one.changes === true || one.creates !== undefined || one.showsRecord === true || tagged.has(one.path);
    item[method] = operationOf(one, book, hasTag);
    yield;
  }
  const { document: paths, schemas } = book.finish(drafts);
  if (schemas['Problem'] !== undefined) throw new Error('the name Problem is taken');
  const used = new Set(routes.map(({ tag }) => tag));
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Holdfast management API',
      version,
      summary: 'Vaults, key sets, CloudKeys and those who look after them.',
      description: conventions,
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: `${serverUrl}/api/v1`, description: 'This appliance.' }],
    tags: Object.entries(tagDescriptions)
      .filter(([name]) => used.has(name))
      .map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: { ...schemas, Problem: problemSchema },
      parameters,
      headers,
      responses: { Problem: problemResponse },
      securitySchemes,
    },
  };
}

const parameters = {
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    required: true,
    description: 'The ETag of the record as it was seen, or `*`.',
    schema: { type: 'string', pattern: '^(\\*|"\\d{1,15}")$' },
    example: '"3"',
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Made up by the client for this one act; a repetition with the same key does not do it twice.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  },
};

const headers = {
  ETag: {
    description: 'The version of the record, for If-Match.',
    schema: { type: 'string', pattern: '^"\\d{1,15}"$' },
  },
  Location: { description: 'Where it is.', schema: { type: 'string', format: 'uri-reference' } },
  IdempotencyReplayed: {
    description: 'Where the Idempotency-Key had been used: what is answered was made the first time.',
    schema: { type: 'string', const: 'true' },
  },
  RetryAfter: {
    description: 'Seconds after which to try again, with 429 and 503.',
    schema: { type: 'integer', minimum: 0 },
  },
};

const securitySchemes = {
  session: { type: 'http', scheme: 'bearer', bearerFormat: 'hfs_…', description: 'The token of a session.' },
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'hfk_…',
    description: 'An API key; it may do what its scope says.',
  },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-holdfast-session',
    description: 'The session of a browser.',
  },
  csrfToken: {
    type: 'apiKey',
    in: 'header',
    name: 'X-CSRF-Token',
    description: 'Given at the sign-in; beside the cookie, with everything but GET.',
  },
};

/**
 * The document as a node serves it, made once at its first use and in as many turns of the event loop as there are routes.
 */
export class ServedOpenApi {
  readonly #routes: () => readonly Route[];
  #made: { serverUrl: string; document: Promise<OpenApiDocument> } | undefined;

  /** `routes` is asked once it is needed. */
  constructor(routes: () => readonly Route[]) {
    this.#routes = routes;
  }

  async document({
    publicUrl,
    version,
  }: Pick<AdminServices, 'publicUrl' | 'version'>): Promise<OpenApiDocument> {
    if (this.#made?.serverUrl !== publicUrl)
      this.#made = { serverUrl: publicUrl, document: this.#make({ version, serverUrl: publicUrl }) };
    return this.#made.document;
  }

  async #make(where: Where): Promise<OpenApiDocument> {
    const steps = openApiSteps(this.#routes(), where);
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      await setImmediate();
    }
  }
}

/** The route that serves the document. */
export function openApiRoute(served: ServedOpenApi): Route {
  return route({
    operation: 'getOpenApi',
    method: 'GET',
    path: '/openapi.json',
    tag: 'Documentation',
    summary: 'Read this document',
    description:
      'The whole API as OpenAPI 3.1, made from what serves it. `/api/v1/reference` shows it as a page.',
    access: { kind: 'public' },
    answer: z.record(z.string(), z.unknown()),
    handle: async ({ services }) => ({ body: { ...(await served.document(services)) } }),
  });
}
