import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { operationOf, type Operation, type Parameter } from './operation.ts';
import { problemResponse, problemSchema } from './problems.ts';
import { SchemaBook, type SchemaNode } from './schemas.ts';
import { tagDescriptions } from './tags.ts';
import { toldRevisionForm } from '../../fleet/told-revision.ts';
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
export const conventions = `Everything is under \`/api/v1\`: requests and responses are JSON, field names camelCase, times UTC (ISO 8601), ids UUIDs.

**Sign-in.** Send the token of a session (\`hfs_…\`) or an API key (\`hfk_…\`) as \`Authorization: Bearer\`. A browser has the session in the cookie \`__Host-holdfast-session\` instead, and sends \`X-CSRF-Token\` with everything but GET.

**Vaults.** What belongs to another vault, or to an admin group that the caller is not a member of, is treated as if it did not exist: 404.

**Changes.** A record comes with an \`ETag\`. To change it, send that back in \`If-Match\`: 412 means that someone else has changed the record in the meantime, 428 that the header is missing. \`If-Match: *\` overwrites unconditionally.

**In force.** What takes something away is answered with success only once no node serves by what was before; \`Holdfast-In-Force\` tells how many confirmed it. Where a node is cut off and does not confirm within five seconds, the answer is 503 \`not-in-force\`: it is done, and stays so, and need not be repeated; its \`ETag\` is that of the record as it is now, and \`GET /in-force?revision=…\`, with its \`Holdfast-Revision\`, tells when every node goes by it, at the latest after \`Retry-After\`.

**Reasons.** What takes something away, or gives it back, takes a \`reason\` in its body, a DELETE too: it is kept in the audit trail with each event of the act, and is never required.

**Creates** take an \`Idempotency-Key\`: if the same request is sent again with the same key within a day, the response is what was created the first time, with \`Idempotency-Replayed: true\` and without secrets, which are shown only once.

**Lists** are paged: \`limit\` is 1 to 200 (50 by default); pass \`next\` as \`cursor\` to get the next page; it is null at the end. With a filter that matches little, a page may have fewer items than \`limit\`, or none, and still a \`next\`: the search stops after 200,000 records.

**Errors** are problems (RFC 9457, \`application/problem+json\`). \`type\` names the kind, \`fields\` the invalid values by location, \`remediation\` what to do, and \`instance\` the request id as in the log. Unknown fields in a request are refused, so that a misspelled one is not silently ignored; later versions may add fields to responses.`;

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
      summary: 'Manage vaults, key sets, CloudKeys, and the people who administer them.',
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
    description: 'The ETag of the record as last read, or `*`.',
    schema: { type: 'string', pattern: '^(\\*|"\\d{1,15}")$' },
    example: '"3"',
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'A unique value that the client generates for this request; repeating the request with the same key does not create a second record.',
    schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
  },
};

const headers = {
  ETag: {
    description: 'The version of the record, for If-Match.',
    schema: { type: 'string', pattern: '^"\\d{1,15}"$' },
  },
  Location: { description: 'URL of the record.', schema: { type: 'string', format: 'uri-reference' } },
  IdempotencyReplayed: {
    description: 'Set if the Idempotency-Key had been used before: the response is what was created then.',
    schema: { type: 'string', const: 'true' },
  },
  InForce: {
    description:
      'On how many nodes that serve from memory it holds, and how: `nodes=3, confirmed=2, ended=1, milliseconds=12`. One that is ended serves nothing from memory. `nodes=0`: all ask the store at each request, so that it holds at once.',
    schema: { type: 'string' },
  },
  Revision: {
    description:
      'For `GET /in-force`, also with `not-in-force`: the revision of the store that has what was done. Missing where the last change has no mark by which it could be asked for.',
    schema: { type: 'string', pattern: toldRevisionForm.source },
  },
  RetryAfter: {
    description: 'Seconds to wait before trying again, with 429 and 503.',
    schema: { type: 'integer', minimum: 0 },
  },
};

const securitySchemes = {
  session: { type: 'http', scheme: 'bearer', bearerFormat: 'hfs_…', description: 'The token of a session.' },
  apiKey: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'hfk_…',
    description: 'An API key; its scope limits what it can do.',
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
    description: 'Returned by the sign-in; required together with the cookie for everything but GET.',
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
    summary: 'Get this document',
    description:
      'The whole API as an OpenAPI 3.1 document, generated from the routes that serve it. `/api/v1/reference` ' +
      'shows it as a page.',
    access: { kind: 'public' },
    answer: z.record(z.string(), z.unknown()),
    handle: async ({ services }) => ({ body: { ...(await served.document(services)) } }),
  });
}
