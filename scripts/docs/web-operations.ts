import { openApi, type Operation, type Parameter } from '../../src/admin/openapi/document.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import { typeOf } from './api-types.ts';

/*
 * The operations of the OpenAPI document for the console: what each takes and answers, as types; and as data where it is,
 * what it asks for and who may use it, so that the console offers nobody what the API would refuse them.
 */

const document = openApi(allRoutes, { version: '', serverUrl: 'https://localhost' });

const all = Object.entries(document.paths)
  .flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  .filter(({ operation }) => operation.operationId !== 'getOpenApi');

export function webOperations(): string {
  return [
    '/* oxlint-disable max-lines -- generated */',
    "import type { Schemas } from '../../src/cli/client/api-types.ts';",
    `export interface Operations {\n${all.map(({ operation }) => typed(operation)).join('\n')}\n}`,
    'export type OperationName = keyof Operations;',
    `export const operations = {\n${all.map((one) => told(one)).join('\n')}\n} as const satisfies Record<OperationName, OperationFacts>;`,
    `export interface OperationFacts {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Under /api/v1, with \`{parameters}\`. */
  path: string;
  /** Permission that a user of the appliance needs. */
  appliance?: string;
  /** Permission that a user of the vault needs. */
  vault?: string;
}`,
  ].join('\n\n');
}

function typed(operation: Operation): string {
  const own = operation.parameters.filter((one): one is Parameter => 'name' in one);
  const body = operation.requestBody?.content['application/json'].schema;
  const parts = [
    fields(
      'params',
      own.filter((one) => one.in === 'path'),
    ),
    fields(
      'query',
      own.filter((one) => one.in === 'query'),
    ),
    body === undefined ? undefined : `body: ${typeOf(body)};`,
    ...Object.entries(operation.responses).map(([status, { content }]) =>
      Number(status) < 300 && content !== undefined
        ? `answer: ${typeOf(content['application/json'].schema)};`
        : undefined,
    ),
  ];
  return `/** ${operation.summary}. */\n${operation.operationId}: {\n${parts.filter((part) => part !== undefined).join('\n')}\n};`;
}

function fields(name: string, parameters: readonly Parameter[]): string | undefined {
  if (parameters.length === 0) return undefined;
  const each = parameters.map((one) => `${one.name}${one.required ? '' : '?'}: ${typeOf(one.schema)};`);
  return `${name}: {\n${each.join('\n')}\n};`;
}

function told({ path, method, operation }: (typeof all)[number]): string {
  const permission = operation['x-holdfast-permission'] ?? {};
  return `${operation.operationId}: ${JSON.stringify({ method, path, ...permission })},`;
}
