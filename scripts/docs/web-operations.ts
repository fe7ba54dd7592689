import { openApi, type Operation } from '../../src/admin/openapi/document.ts';
import { allRoutes } from '../../src/admin/routes.ts';

/*
 * The operations of the OpenAPI document for the console, by their names: what each asks for and who may use it, so that the
 * console offers nobody what the API would refuse them. What each takes and answers is a type in `Paths` of the client.
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
    `export const operations = {\n${all.map((one) => told(one)).join('\n')}\n} as const satisfies Record<string, OperationFacts>;`,
    'export type OperationName = keyof typeof operations;',
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

function told({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const permission = operation['x-holdfast-permission'] ?? {};
  return `/** ${operation.summary}. */\n${operation.operationId}: ${JSON.stringify({ method, path, ...permission })},`;
}
