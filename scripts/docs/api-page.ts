import {
  openApi,
  type Operation,
  type Parameter,
  type ResponseNode,
  type SchemaNode,
} from '../../src/admin/openapi.ts';
import { problemKinds } from '../../src/admin/problem.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { fieldsOf, headingOf, typeOf } from './api-fields.ts';
import { code, toMarkdownTable } from './settings.ts';

/** Named pages of lists, with what they list. */
type Pages = ReadonlyMap<string, SchemaNode>;

interface Shown {
  method: string;
  path: string;
  operation: Operation;
}

/** docs/api.md, from the OpenAPI document that the appliance serves. */
export function apiPage(): string {
  const document = openApi(allRoutes, { version: 'this', serverUrl: 'https://holdfast.example.com:9443' });
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const contents = document.tags.map(({ name }) => `- [${name}](#${anchorOf(name)})`);
  const pages = new Map(
    Object.entries(document.components.schemas).flatMap(([name, schema]) => {
      const item = itemOfPage(schema);
      return item === undefined ? [] : [[name, item] as const];
    }),
  );
  const tags = document.tags.map(({ name, description }) =>
    tagSection(
      pages,
      name,
      description,
      operations.filter(({ operation }) => operation.tags.includes(name)),
    ),
  );
  const objects = Object.entries(document.components.schemas)
    .filter(([name]) => !pages.has(name))
    .map(
      ([name, schema]) =>
        `### ${headingOf(name)}\n\n${schemaText(name === 'Problem' ? withoutKinds(schema) : schema)}`,
    );
  return `# Management API

The API that \`holdfast\` itself and every program speaks. \`GET /api/v1/openapi.json\` has the same as an OpenAPI 3.1
document, from which clients can be made.

${document.info.description}

${contents.join('\n')}
- [Problems](#problems)
- [Objects](#objects)

${tags.join('\n\n')}

## Problems

\`type\` is \`urn:holdfast:problem:\` and the kind. Every request can be answered \`bad-request\`, \`not-acceptable\`,
\`too-many-requests\`, \`internal\`, \`store-unavailable\` or \`store-full\`; the others are told with each operation.

${toMarkdownTable(
  ['kind', 'status', 'what it says'],
  Object.entries(problemKinds).map(([kind, [status, title]]) => [code(kind), String(status), title]),
)}

## Objects

What is sent and answered, by name. Fields marked with \\* are always there.

${objects.join('\n\n')}
`;
}

function tagSection(pages: Pages, name: string, description: string, operations: Shown[]): string {
  const overview = toMarkdownTable(
    ['operation', 'request', 'what it does'],
    operations.map(({ method, path, operation }) => [
      `[${operation.operationId}](#${anchorOf(operation.operationId)})`,
      code(`${method} ${path}`),
      operation.summary,
    ]),
  );
  return `## ${name}

${description}

${overview}

${operations.map((shown) => operationSection(shown, pages)).join('\n\n')}`;
}

/** Problems that every operation has are told once, at the end of the page. */
const everywhere = new Set([
  'bad-request',
  'not-acceptable',
  'too-many-requests',
  'internal',
  'store-unavailable',
  'store-full',
]);

function operationSection({ method, path, operation }: Shown, pages: Pages): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const problems = operation['x-holdfast-problems'].filter((kind) => !everywhere.has(kind));
  const parts = [
    `### ${operationId}`,
    `${code(`${method} /api/v1${path}`)}: ${summary}.`,
    description,
    parametersTable(parameters),
    requestBody === undefined ? '' : `Body: ${bodyText(requestBody.content['application/json'].schema)}`,
    ...Object.entries(responses)
      .filter(([status]) => Number(status) < 400)
      .map(([status, response]) => answerText(pages, status, response)),
    problems.length === 0 ? '' : `Problems: ${problems.map(code).join(', ')}.`,
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function parametersTable(parameters: Operation['parameters']): string {
  const own = parameters.filter((one): one is Parameter => 'name' in one);
  const headers = parameters.flatMap((one) => ('name' in one ? [] : [headerNames[one.$ref] ?? one.$ref]));
  const table =
    own.length === 0
      ? ''
      : toMarkdownTable(
          ['parameter', 'in', 'type', 'what it is'],
          own.map(({ name, in: place, required, description, schema }) => [
            `${code(name)}${required ? '\\*' : ''}`,
            place,
            typeOf(schema),
            [
              description,
              schema.default === undefined
                ? undefined
                : `Unless given ${code(JSON.stringify(schema.default))}.`,
            ]
              .filter((part) => part !== undefined)
              .join(' '),
          ]),
        );
  return [table, headers.length === 0 ? '' : `Headers: ${headers.join('; ')}.`]
    .filter((part) => part !== '')
    .join('\n\n');
}

const headerNames: Readonly<Record<string, string>> = {
  '#/components/parameters/IfMatch': '`If-Match`, required',
  '#/components/parameters/IdempotencyKey': '`Idempotency-Key`, if wanted',
};

function answerText(pages: Pages, status: string, { content, headers }: ResponseNode): string {
  const names = Object.keys(headers ?? {}).map(code);
  const withHeaders = names.length === 0 ? '' : ` with ${names.join(' and ')}`;
  const schema = content?.['application/json'].schema;
  if (schema === undefined) return `Answer: ${status}${withHeaders}.`;
  const item = itemOfPage(schema) ?? pages.get(schema.$ref?.split('/').at(-1) ?? '');
  if (item !== undefined) return `Answer: ${status}${withHeaders}, a page of ${typeOf(item)}.`;
  return `Answer: ${status}${withHeaders}, ${bodyText(schema)}`;
}

/** What a page of a list has; undefined for what is none. Pages are alike and told in a word. */
function itemOfPage({ properties }: SchemaNode): SchemaNode | undefined {
  const names = Object.keys(properties ?? {});
  return names.length === 2 && properties?.['next'] !== undefined ? properties['items']?.items : undefined;
}

function bodyText(schema: SchemaNode): string {
  const fields = fieldsTable(schema);
  return fields === '' ? `${typeOf(schema)}.` : `object.\n\n${fields}`;
}

function schemaText(schema: SchemaNode): string {
  const fields = fieldsTable(schema);
  const words = schema.description ?? '';
  return [words, fields === '' ? `${typeOf(schema)}.` : fields].filter((part) => part !== '').join('\n\n');
}

function fieldsTable(schema: SchemaNode): string {
  const fields = fieldsOf(schema);
  if (fields.length === 0) return '';
  return toMarkdownTable(
    ['field', 'type', 'what it is'],
    fields.map(({ name, type, required, description }) => [
      `${code(name)}${required ? '\\*' : ''}`,
      type,
      description,
    ]),
  );
}

/** The kinds of problems have a table of their own. */
function withoutKinds(schema: SchemaNode): SchemaNode {
  const type = {
    type: 'string',
    description: '`urn:holdfast:problem:` and the kind, see [Problems](#problems).',
  };
  return { ...schema, properties: { ...schema.properties, type } };
}

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}
