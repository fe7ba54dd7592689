import { permissions, permissionsOf, type Permission } from '../../identity/permissions.ts';
import type { Role } from '../../store/schema.ts';
import { problemResponses, problemsOf } from './problems.ts';
import type { SchemaBook, SchemaNode } from './schemas.ts';
import type { ProblemKind } from '../problem.ts';
import type { Access, Route } from '../route.ts';

export interface Parameter {
  name: string;
  in: 'path' | 'query';
  required: boolean;
  description?: string;
  schema: SchemaNode;
}

export interface MediaTypes {
  'application/json': { schema: SchemaNode };
}

/** Of an answer: JSON, or text of some kinds. */
export type AnswerTypes = Partial<MediaTypes> & Record<`${string}/${string}`, { schema: SchemaNode }>;

export interface ResponseNode {
  $ref?: string;
  description: string;
  headers?: Record<string, { $ref: string }>;
  content?: AnswerTypes;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  parameters: (Parameter | { $ref: string })[];
  requestBody?: { required: boolean; content: MediaTypes };
  responses: Record<string, ResponseNode>;
  security: Record<string, never[]>[];
  'x-holdfast-permission': { appliance?: Permission; vault?: Permission } | null;
  'x-holdfast-problems': ProblemKind[];
}

/** One route as an OpenAPI operation. `hasTag` says whether its record is one with an ETag. */
export function operationOf(route: Route, book: SchemaBook, hasTag: boolean): Operation {
  const kinds = problemsOf(route);
  return {
    operationId: route.operation,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, accessInWords(route.access)]
      .filter((part) => part !== undefined)
      .join('\n\n'),
    parameters: parametersOf(route, book),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            // No body at all is taken as one without fields.
            required: !route.body.safeParse({}).success,
            content: { 'application/json': { schema: book.of(route.body, 'input') } },
          },
        }),
    responses: {
      ...goodResponse(route, book, hasTag),
      ...(problemResponses(kinds) as Record<string, ResponseNode>),
    },
    security: securityOf(route),
    'x-holdfast-permission': route.access.kind === 'permission' ? permissionOf(route.access) : null,
    'x-holdfast-problems': kinds,
  };
}

/** Throws where the path and the schema of its parameters do not name the same. */
function parametersOf(route: Route, book: SchemaBook): Operation['parameters'] {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const path = route.params === undefined ? [] : fieldsOf(route, 'path', book.of(route.params, 'input'));
  const declared = path.map(({ name }) => name);
  if (inPath.length !== declared.length || inPath.some((name) => !declared.includes(name)))
    throw new Error(
      `${route.operation}: the path names ${inPath.join(', ')}, its schema ${declared.join(', ')}`,
    );
  return [
    ...path,
    ...(route.query === undefined ? [] : fieldsOf(route, 'query', book.of(route.query, 'input'))),
    ...(route.changes === true ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
    ...(route.creates === undefined ? [] : [{ $ref: '#/components/parameters/IdempotencyKey' }]),
  ];
}

function fieldsOf(route: Route, place: Parameter['in'], { properties, required }: SchemaNode): Parameter[] {
  if (properties === undefined)
    throw new Error(`${route.operation}: its ${place} parameters are no plain object`);
  return Object.entries(properties).map(([name, { description, ...schema }]) => {
    const isRequired = place === 'path' || required?.includes(name) === true;
    const parameter: Parameter = { name, in: place, required: isRequired, schema };
    const words = description ?? (place === 'path' ? idInWords(name) : undefined);
    if (words !== undefined) parameter.description = words;
    return parameter;
  });
}

/** `apiKeyId` is told as the id of an api key where its schema tells no more. */
function idInWords(name: string): string | undefined {
  const thing = /^(\w+)Id$/.exec(name)?.[1];
  return thing === undefined
    ? undefined
    : `Id of the ${thing.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}.`;
}

/** The status that a good answer has, in the order: as told, made, nothing to say, told. */
export function statusOf(route: Route): number {
  if (route.status !== undefined) return route.status;
  if (route.creates !== undefined) return 201;
  return route.answer === undefined && route.answersText === undefined ? 204 : 200;
}

const goodWords: Record<number, string> = {
  200: 'Success.',
  201: 'Created.',
  204: 'Done; no content.',
  303: 'Redirects the browser.',
};

function goodResponse(route: Route, book: SchemaBook, hasTag: boolean): Record<string, ResponseNode> {
  const status = statusOf(route);
  const headers = {
    ...(hasTag && status !== 204 ? { ETag: { $ref: '#/components/headers/ETag' } } : {}),
    ...(route.creates !== undefined || status === 303
      ? { Location: { $ref: '#/components/headers/Location' } }
      : {}),
    ...(route.creates === undefined
      ? {}
      : { 'Idempotency-Replayed': { $ref: '#/components/headers/IdempotencyReplayed' } }),
    ...(route.takesAway === true
      ? {
          'Holdfast-In-Force': { $ref: '#/components/headers/InForce' },
          'Holdfast-Revision': { $ref: '#/components/headers/Revision' },
        }
      : {}),
  };
  return {
    [String(status)]: {
      description: goodWords[status] ?? 'Success.',
      ...(Object.keys(headers).length === 0 ? {} : { headers }),
      ...(route.answer === undefined
        ? {}
        : { content: { 'application/json': { schema: book.of(route.answer, 'output') } } }),
      ...(route.answersText === undefined
        ? {}
        : {
            content: Object.fromEntries(
              route.answersText.map((type) => [type, { schema: { type: 'string' } }] as const),
            ),
          }),
    },
  };
}

function securityOf({ access, method }: Route): Operation['security'] {
  if (access.kind === 'public') return [];
  const sessionsOnly = access.kind === 'own' && access.sessionsOnly === true;
  return [
    { session: [] },
    ...(sessionsOnly ? [] : [{ apiKey: [] }]),
    method === 'GET' ? { cookie: [] } : { cookie: [], csrfToken: [] },
  ];
}

function permissionOf({ appliance, vault }: Extract<Access, { kind: 'permission' }>): {
  appliance?: Permission;
  vault?: Permission;
} {
  return { ...(appliance === undefined ? {} : { appliance }), ...(vault === undefined ? {} : { vault }) };
}

function accessInWords(access: Access): string {
  if (access.kind === 'public') return 'Requires no sign-in.';
  if (access.kind === 'own') {
    const who =
      access.sessionsOnly === true ? 'Requires a session; an API key is not accepted.' : 'Requires sign-in.';
    const owing = [
      ...(access.states?.includes('SECOND_FACTOR') === true ? ['a second factor'] : []),
      ...(access.states?.includes('PASSWORD_CHANGE') === true ? ['a new password'] : []),
    ];
    return owing.length === 0
      ? who
      : `${who} A session that still requires ${owing.join(' or ')} is accepted.`;
  }
  const needs = [
    ...(access.appliance === undefined ? [] : [permissionInWords(access.appliance, 'of the appliance')]),
    ...(access.vault === undefined ? [] : [permissionInWords(access.vault, 'of this vault')]),
  ];
  return `Requires ${needs.join(', or ')}.`;
}

function permissionInWords(permission: Permission, whose: string): string {
  const roles = (Object.keys(permissionsOf) as Role[]).filter((role) =>
    permissionsOf[role].includes(permission),
  );
  return `the permission \`${permission}\` ${whose} (${permissions[permission]}): ${roles.join(', ')}`;
}
