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
  const tags = document.tags.map(({ name, description }) =>
    tagSection(
      name,
      description,
      operations.filter(({ operation }) => operation.tags.includes(name)),
    ),
  );
  const contents = document.tags.map(({ name }) => `- [${name}](#${anchorOf(name)})`);
  const objects = Object.entries(document.components.schemas).map(
    ([name, schema]) => `### ${headingOf(name)}\n\n${schemaText(schema)}`,
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
\`too-many-requests\` or \`internal\`; the others are told with each operation.

${toMarkdownTable(
  ['kind', 'status', 'what it says'],
  Object.entries(problemKinds).map(([kind, [status, title]]) => [code(kind), String(status), title]),
)}

## Objects

What is sent and answered, by name. Fields marked with \\* are always there.

${objects.join('\n\n')}
`;
}

function tagSection(name: string, description: string, operations: Shown[]): string {
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

${operations.map((shown) => operationSection(shown)).join('\n\n')}`;
}

/** Problems that every operation has are told once, at the end of the page. */
const everywhere = new Set(['bad-request', 'not-acceptable', 'too-many-requests', 'internal']);

function operationSection({ method, path, operation }: Shown): string {
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
      .map(([status, response]) => answerText(status, response)),
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

function answerText(status: string, { content, headers }: ResponseNode): string {
  const names = Object.keys(headers ?? {}).map(code);
  const withHeaders = names.length === 0 ? '' : ` with ${names.join(' and ')}`;
  const schema = content?.['application/json'].schema;
  if (schema === undefined) return `Answer: ${status}${withHeaders}.`;
  const item = schema.properties?.['items'];
  // A page of a list says so in one line.
  if (item?.items?.$ref !== undefined && schema.properties?.['next'] !== undefined)
    return `Answer: ${status}${withHeaders}, a page of ${typeOf(item.items)}.`;
  return `Answer: ${status}${withHeaders}, ${bodyText(schema)}`;
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

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}
