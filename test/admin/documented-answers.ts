import { problemsOf } from '../../src/admin/openapi/problems.ts';
import type { Route } from '../../src/admin/route.ts';
import { allRoutes } from '../../src/admin/routes.ts';
import type { AdminAnswer } from '../support/admin-client.ts';

const prefix = 'urn:holdfast:problem:';

const forms = allRoutes.map((route) => ({
  route,
  form: new RegExp(`^${route.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}));

/** Throws where an operation answers with a kind of problem that its OpenAPI description does not list. */
export function checkDocumented(method: string, path: string, { status, body }: AdminAnswer): void {
  const plain = path.split('?', 1)[0] ?? '';
  const there = forms.filter(({ form }) => form.test(plain)).map(({ route }) => route);
  // A fixed path is never the parameter beside it.
  const parameters = (route: Route) => route.path.split('{').length;
  const fewest = Math.min(...there.map(parameters));
  const route = there.find((one) => one.method === method && parameters(one) === fewest);
  const type = (body as { type?: unknown } | undefined)?.type;
  if (route === undefined || status < 400 || typeof type !== 'string' || !type.startsWith(prefix)) return;
  const kind = type.slice(prefix.length);
  if (!(problemsOf(route) as string[]).includes(kind))
    throw new Error(
      `${route.operation} answered ${status} ${kind}, which its OpenAPI description does not list`,
    );
}
