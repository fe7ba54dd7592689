import { appendFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { openApi } from '../../src/admin/openapi/document.ts';
import type { Operation } from '../../src/admin/openapi/document.ts';
import type { Route } from '../../src/admin/route.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import type { AdminAnswer } from '../support/admin-answer.ts';

/*
 * Answers against the OpenAPI document, by a JSON Schema validator that knows nothing of the schemas that the document is
 * made from. What a later version may add, this one does not: a field that is not described is refused by the schema itself.
 */

const prefix = 'urn:holdfast:problem:';
const document = openApi(allRoutes, { version: '0.0.0', serverUrl: 'https://localhost' });
const root = 'https://holdfast.example/openapi';

const ajv = new Ajv2020({ strictSchema: true, strictTypes: false, strictTuples: false });
formats.default(ajv);
ajv.addVocabulary(Object.keys(document));
ajv.addSchema({ $id: root, ...document });

const forms = allRoutes.map((route) => ({
  route,
  form: new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}));

/** Throws where an operation answers with what its OpenAPI description does not list: a status, a form, a header. */
export function checkDocumented(method: string, path: string, answer: AdminAnswer): void {
  const route = routeOf(method, path.split('?', 1)[0] ?? '');
  if (route === undefined) return;
  const wrong = wrongIn(route, answer);
  note(route, answer);
  if (wrong !== undefined)
    throw new Error(
      `${route.operation} answered ${answer.status}: ${wrong}, against its OpenAPI description`,
    );
}

/** Where scripts/check wants to know what was answered, of all test files together. */
const target = process.env['HOLDFAST_TEST_ANSWERS'];
const answered = new Set<string>();
if (target !== undefined) process.once('exit', () => appendFileSync(target, `${[...answered].join('\n')}\n`));

function note({ operation }: Route, { status, body }: AdminAnswer): void {
  const { type } = (status < 400 ? {} : (body ?? {})) as { type?: string };
  answered.add(`${operation} ${status} ${type?.slice(prefix.length) ?? '-'}`);
}

function routeOf(method: string, path: string): Route | undefined {
  const there = forms.filter(({ form }) => form.test(path)).map(({ route }) => route);
  // A fixed path is never the parameter beside it.
  const parameters = (route: Route) => route.path.split('{').length;
  const fewest = Math.min(...there.map(parameters));
  return there.find((one) => one.method === method && parameters(one) === fewest);
}

/** What is not as the description of the operation says; undefined where all is. */
function wrongIn(route: Route, { status, headers, body, text }: AdminAnswer): string | undefined {
  const method = route.method.toLowerCase() as Lowercase<Route['method']>;
  const operation = document.paths[route.path]?.[method] as Operation;
  const response = operation.responses[String(status)];
  if (response === undefined) return 'the status is not listed';
  if (status >= 400) return wrongProblem(operation, status, headers, body);
  if (headers['etag'] !== undefined && response.headers?.['ETag'] === undefined)
    return 'an ETag is not listed';
  if (headers['location'] !== undefined && response.headers?.['Location'] === undefined)
    return 'a Location is not listed';
  if (route.answersText !== undefined) {
    const [type = ''] = String(headers['content-type']).split(';', 1);
    return route.answersText.includes(type) ? undefined : `the body is ${type}`;
  }
  if (route.answer === undefined) return text === '' ? undefined : 'a body is not listed';
  if (!String(headers['content-type']).startsWith('application/json')) return 'the body is no JSON';
  const place = [
    'paths',
    route.path,
    method,
    'responses',
    String(status),
    'content',
    'application/json',
    'schema',
  ];
  return mismatch(`/${place.map(pointed).join('/')}`, body) ?? undescribed(route, body);
}

function wrongProblem(
  operation: Operation,
  status: number,
  headers: AdminAnswer['headers'],
  body: unknown,
): string | undefined {
  if (headers['content-type'] !== 'application/problem+json') return 'the refusal is no problem';
  const wrong = mismatch('/components/schemas/Problem', body);
  if (wrong !== undefined) return wrong;
  const { type, status: told } = body as { type: string; status: number };
  const kind = type.slice(prefix.length);
  if (told !== status) return `the problem says ${told}`;
  return (operation['x-holdfast-problems'] as string[]).includes(kind) ? undefined : `${kind} is not listed`;
}

function mismatch(pointer: string, body: unknown): string | undefined {
  const validate = ajv.getSchema(`${root}#${pointer}`) as ValidateFunction | undefined;
  if (validate === undefined) return `no schema at ${pointer}`;
  return validate(body) ? undefined : ajv.errorsText(validate.errors);
}

/** Fields that the schema does not name. */
function undescribed(route: Route, body: unknown): string | undefined {
  const parsed = route.answer?.safeParse(body);
  return parsed === undefined || parsed.success
    ? undefined
    : parsed.error.issues.map(({ path, message }) => `${path.join('/')}: ${message}`).join('; ');
}

function pointed(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}
