import type { Context } from 'koa';
import { z } from 'zod';
import { Problem, type FieldProblem } from '../admin/problem.ts';
import type { Route } from '../admin/route.ts';
import { typeWords } from '../config/problem.ts';
import { nameTrouble } from '../json-names.ts';
import { SeenVersion } from '../store/act-transaction.ts';
import { isEncoded, readBody } from './body.ts';

/* What the management API reads of a request before a route sees it. */

/** Bytes. The longest list of ARNs fits. */
const maxBodyLength = 64 * 1024;

/**
 * Levels of objects and lists within each other. A key policy of AWS has six, no schema of ours more; whatever reads JSON
 * by calling itself never comes to the end of its stack.
 */
const deepestBody = 32;

/** Only what every router, proxy and log reads the same way. */
export function isPlainPath(target: string): boolean {
  const path = target.split('?', 1)[0] ?? '';
  return /^\/[A-Za-z0-9._~/-]*$/.test(path) && !/\/(\/|\.{1,2}(\/|$))/.test(path);
}

export function unknownAddress(): Problem {
  return new Problem('not-found', 'there is nothing at this address', {
    remediation: 'see /api/v1/openapi.json for what there is',
  });
}

export function readQuery(ctx: Context): Record<string, unknown> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(ctx.querystring)) {
    if (parameters.has(name))
      throw new Problem('invalid', 'a query parameter is given twice', {
        fields: [{ where: 'query', detail: 'give each parameter once' }],
      });
    parameters.set(name, value);
  }
  // Makes properties of its own of all names, `__proto__` too, so that the schema refuses it as it does any other.
  return Object.fromEntries(parameters);
}

/** An absent If-Match is 428 (RFC 6585), any other tag than the record's 412; `*` is for who means it whatever it is. */
export function readIfMatch(ctx: Context): SeenVersion | undefined {
  const header = ctx.get('If-Match').trim();
  if (header === '')
    throw new Problem(
      'precondition-required',
      'a change needs If-Match with the ETag of what you have seen',
      {
        remediation: 'GET it, then send its ETag as If-Match',
      },
    );
  if (header === '*') return undefined;
  const tag = /^"(\d{1,15})"$/.exec(header)?.[1];
  if (tag === undefined)
    throw new Problem('precondition-failed', 'the If-Match is no ETag of this record', {
      remediation: 'GET it, then send its ETag as If-Match',
    });
  return new SeenVersion(Number(tag));
}

export function readIdempotencyKey(ctx: Context): string | undefined {
  // An empty one is no absent one: who sends it believes that a repetition is recognized.
  if (ctx.req.headers['idempotency-key'] === undefined) return undefined;
  const key = ctx.get('Idempotency-Key');
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new Problem('bad-request', 'an Idempotency-Key has 1 to 255 visible ASCII characters');
  return key;
}

export async function readJson(ctx: Context, route: Route): Promise<{ value: unknown; bytes: Buffer }> {
  const bytes = await readBody(
    ctx.req,
    maxBodyLength,
    () => new Problem('too-large', `the body is longer than ${maxBodyLength} bytes`),
  );
  if (route.body === undefined) {
    if (bytes.length > 0) throw new Problem('bad-request', 'this request takes no body');
    return { value: undefined, bytes };
  }
  if (
    bytes.length > 0 &&
    !/^application\/json[ \t]*(;[ \t]*charset=utf-8[ \t]*)?$/i.test(ctx.get('Content-Type').trim())
  )
    throw new Problem('unsupported-media-type', 'the Content-Type must be application/json');
  if (isEncoded(ctx.get('Content-Encoding')))
    throw new Problem('unsupported-media-type', 'the body must not be compressed (Content-Encoding)');
  let value: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new Problem('bad-request', 'the body is not JSON in UTF-8');
  }
  const trouble = nameTrouble(text, value);
  if (trouble !== undefined)
    throw new Problem(
      'bad-request',
      trouble === 'twice'
        ? 'the body has a field twice, and which of them is meant cannot be told'
        : 'a field of the body has an escaped name that cannot be read for certain',
      trouble === 'twice'
        ? {}
        : { remediation: 'write the names of fields as they are, without a backslash' },
    );
  checkShape(value);
  return { value: parse(route.body, value, 'body'), bytes };
}

/**
 * What no schema can refuse: nesting, and `__proto__`, which a record of free names leaves out without a word, so that what
 * is stored would be less than what was sent. In a loop, since what calls itself is what this keeps within bounds.
 */
function checkShape(body: unknown): void {
  let level = objectsIn([body]);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepestBody)
      throw new Problem('invalid', `the body has more than ${deepestBody} levels within each other`, {
        fields: [{ where: '/', detail: `may be nested ${deepestBody} levels deep` }],
      });
    if (level.some((value) => Object.hasOwn(value, '__proto__')))
      throw new Problem('invalid', 'the body has a field that is called "__proto__"', {
        fields: [{ where: '/', detail: 'must not have a field called "__proto__" at any level' }],
      });
    level = level.flatMap((value) => objectsIn(Object.values(value)));
  }
}

function objectsIn(values: readonly unknown[]): object[] {
  return values.filter((value) => typeof value === 'object' && value !== null);
}

/** Checks a part of the request. What is wrong is named by its place, never by its value. */
export function parse<T>(
  schema: z.ZodType<T> | undefined,
  value: unknown,
  part: 'path' | 'query' | 'body',
): T {
  if (schema === undefined) return undefined as T;
  const result = schema.safeParse(value, { error: typeWords });
  if (result.success) return result.data;
  const fields = result.error.issues.slice(0, 20).flatMap((issue): FieldProblem[] => {
    const names = issue.path.map((name) => (isOurs(schema, name) ? String(name) : '*'));
    const where = part === 'body' ? `/${names.join('/')}` : names.join('.');
    if (issue.code === 'unrecognized_keys')
      return [{ where: where === '' ? part : where, detail: 'has a field that is not known here' }];
    return [{ where: where === '' ? part : where, detail: issue.message }];
  });
  // An id that is none is an address that leads nowhere.
  if (part === 'path') throw new Problem('not-found', 'not found');
  throw new Problem('invalid', `the ${part} has values that are not allowed`, { fields });
}

const ownNames = new WeakMap<z.ZodType, ReadonlySet<unknown>>();

/** Whether the name of a field is one of the schema's. That of a tag, or within a policy, is the caller's: it is not quoted. */
function isOurs(schema: z.ZodType, name: PropertyKey): boolean {
  if (typeof name === 'number') return true;
  const known =
    ownNames.get(schema) ?? new Set(namesIn(z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' })));
  ownNames.set(schema, known);
  return known.has(name);
}

function namesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, inner]) =>
    (key === 'properties' ? Object.keys(inner as object) : []).concat(namesIn(inner)),
  );
}
