import { openApi, type Operation } from '../../src/admin/openapi/document.ts';
import { problemKinds } from '../../src/admin/problem.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { code, toMarkdownTable } from './settings.ts';

interface Shown {
  method: string;
  path: string;
  operation: Operation;
}

/** docs/api.md, from the OpenAPI document that the appliance serves: the conventions, and what there is. */
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
  return `# Management API

The API that \`holdfast\` itself and every program speaks. A node serves its whole reference, every parameter, field, answer and
problem of every operation, as a page that can be searched: \`https://NODE:9443/api/v1/reference\`. The same is at
\`/api/v1/openapi.json\` as an OpenAPI 3.1 document, from which clients can be made. Neither needs a sign-in. This page has
the conventions, and what there is.

${document.info.description}

${tags.join('\n\n')}

## Problems

\`type\` is \`urn:holdfast:problem:\` and the kind. The reference says which operation answers which.

${toMarkdownTable(
  ['kind', 'status', 'what it says'],
  Object.entries(problemKinds).map(([kind, [status, title]]) => [code(kind), String(status), title]),
)}
`;
}

function tagSection(name: string, description: string, operations: Shown[]): string {
  const overview = toMarkdownTable(
    ['operation', 'request', 'what it does'],
    operations.map(({ method, path, operation }) => [
      operation.operationId,
      code(`${method} ${path}`),
      operation.summary,
    ]),
  );
  return `## ${name}\n\n${description}\n\n${overview}`;
}
