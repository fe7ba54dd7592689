import { z } from 'zod';
import { OidcClients } from '../../identity/oidc/clients.ts';
import { administratorOf, checkReach } from '../../identity/reach.ts';
import type { OidcProvider } from '../../identity/oidc/provider-record.ts';
import { deleteProvider, findProvider, putProvider } from '../../identity/oidc/providers.ts';
import {
  finishOidcSignIn,
  redirectUriOf,
  startOidcSignIn,
  stateCookie,
  stateCookieSeconds,
  takeOidcAnswer,
} from '../../identity/oidc/sign-in.ts';
import { Secret } from '../../secret.ts';
import { time, vaultId } from '../keys/key-forms.ts';
import { callerOf, route, type Access, type Route } from '../route.ts';
import type { AdminServices } from '../services.ts';
import { answer, openedSession } from './sessions.ts';

const tag = 'Single sign-on';

const fields = {
  issuer: z
    .url({ protocol: /^https$/ })
    .max(500)
    .describe('The provider’s issuer, exactly as in its metadata: https, without query and fragment.'),
  clientId: z.string().min(1).max(500).describe('The client id of Holdfast at the provider.'),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/))
    .min(1)
    .max(20)
    .describe('Scopes to request; must include `openid`.'),
  usernameClaim: z
    .enum(['email', 'preferred_username'])
    .describe(
      'The claim that identifies a user at the first sign-in: an email address that the provider has verified ' +
        '(`email_verified` is true) and that exactly one user has, or a username. From then on the user is ' +
        'identified by the provider’s `sub`. A provider that never sends `email_verified`, such as Microsoft ' +
        'Entra ID, needs `preferred_username`.',
    ),
  caCertificates: z
    .string()
    .max(50_000)
    .nullable()
    .describe(
      'CAs that the provider’s certificates must chain to, in PEM form; null for those of the system.',
    ),
};

const shownProvider = z
  .strictObject({
    ...fields,
    hasClientSecret: z.boolean().describe('Whether there is a client secret; it is never shown.'),
    redirectUri: z.string().describe('To be registered at the provider.'),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'OidcProvider' });

const providerInput = z.strictObject({
  ...fields,
  clientSecret: z
    .string()
    .min(1)
    .max(1000)
    .transform((text) => new Secret(text))
    .nullable()
    .optional()
    .describe(
      'If omitted, the stored secret is kept, provided that issuer, client id and CA certificates stay the ' +
        'same. Null for a public client.',
    ),
  scopes: fields.scopes.default(['openid', 'email', 'profile']),
  usernameClaim: fields.usernameClaim.default('email'),
  caCertificates: fields.caCertificates.default(null),
});

const startQuery = z.strictObject({
  returnTo: z
    .string()
    .min(1)
    .max(500)
    .describe(
      'Where the browser is redirected in the end, with `code` or `error` added: a path of this appliance, or ' +
        '`http://127.0.0.1:<port>/…` or `http://[::1]:<port>/…` of a program on the browser’s machine.',
    ),
  challenge: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .describe('SHA-256 of the verifier, base64url (RFC 7636, `S256`).'),
});

const flow =
  'Generate a verifier, open this URL in a browser with its hash, and send the code that comes back ' +
  'together with the verifier to `POST /oidc/sessions`. Neither is of use without the other, and the ' +
  'browser that starts must be the one that returns.';

/** `clients` remembers what providers say of themselves. */
// oxlint-disable-next-line max-lines-per-function -- a list of routes
export function makeOidcRoutes(clients: OidcClients = new OidcClients()): readonly Route[] {
  const start = async (
    services: AdminServices,
    vault: string,
    query: z.infer<typeof startQuery>,
    address: string,
  ) => {
    const { location, state } = await startOidcSignIn(services, clients, services.publicUrl, {
      vaultId: vault,
      address,
      ...query,
    });
    return {
      redirect: location,
      // Lax: the provider sends the browser back from its own site.
      cookies: { [stateCookie(state)]: { value: state, lax: true, seconds: stateCookieSeconds } },
    };
  };
  return [
    route({
      operation: 'startOidcSignIn',
      signIn: true,
      method: 'GET',
      path: '/oidc/start',
      tag,
      summary: 'Start a single sign-on to the appliance',
      description: flow,
      access: { kind: 'public' },
      query: startQuery,
      status: 303,
      problems: ['not-found', 'conflict'],
      handle: async ({ services, query, client }) => start(services, '', query, client.address),
    }),
    route({
      operation: 'startOidcSignInToVault',
      signIn: true,
      method: 'GET',
      path: '/vaults/{vaultId}/oidc/start',
      tag,
      summary: 'Start a single sign-on to a vault',
      description: flow,
      access: { kind: 'public' },
      params: z.strictObject({ vaultId }),
      query: startQuery,
      status: 303,
      problems: ['conflict'],
      handle: async ({ services, params, query, client }) =>
        start(services, params.vaultId, query, client.address),
    }),
    route({
      operation: 'oidcCallback',
      method: 'GET',
      path: '/oidc/callback',
      tag,
      summary: 'Receive the browser back from the provider',
      description:
        'The redirect URI of every provider. Redirects the browser to `returnTo` with `code`, valid once and for ' +
        'two minutes, or with `error`: `sign-in-refused` (no user here matches the one who signed in there; the ' +
        'audit trail says why), `provider-refused`, `client-refused`, `answer-refused`, `unreachable`, ' +
        '`untrusted`, `no-provider` or `failed`.',
      access: { kind: 'public' },
      // Providers add parameters of their own.
      query: z.looseObject({ state: z.string().min(1).max(200).describe('As it was sent to the provider.') }),
      status: 303,
      handle: async ({ services, act, query, client }) => {
        const parameters = Object.entries(query).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]);
        const { location, cause } = await takeOidcAnswer(services, clients, services.publicUrl, act, {
          state: query.state,
          query: new URLSearchParams(parameters).toString(),
          cookie: client.cookie,
        });
        if (cause !== undefined)
          services.log.warn({ requestId: act.requestId, ...told(cause) }, 'OIDC sign-in');
        return { redirect: location, cookies: { [stateCookie(query.state)]: null } };
      },
    }),
    route({
      operation: 'finishOidcSignIn',
      signIn: true,
      method: 'POST',
      path: '/oidc/sessions',
      tag,
      summary: 'Exchange the code of a single sign-on for a session',
      description:
        'A session by single sign-on needs no password, and a second factor only if the user has one here as ' +
        'well: whether the provider asks for one is up to the provider.',
      access: { kind: 'public' },
      body: z.strictObject({
        code: z
          .string()
          .min(1)
          .max(200)
          .describe('The code that the browser brought back; used up by this request, right or wrong.'),
        verifier: z
          .string()
          .regex(/^[A-Za-z0-9._~-]{43,128}$/)
          .describe('The verifier that the challenge is the hash of.'),
        cookie: z.boolean().default(false).describe('For browsers: return the session in a cookie.'),
      }),
      answer: openedSession,
      status: 201,
      problems: ['sign-in-refused'],
      handle: async ({ services, act, body, client: { userAgent } }) => ({
        ...answer(services, await finishOidcSignIn(services, services.sessions, act, { ...body, userAgent })),
        status: 201,
      }),
    }),
    ...providerRoutes(clients, 'Oidc', '/oidc-provider', 'the appliance', {
      read: { kind: 'permission', appliance: 'appliance.read' },
      write: { kind: 'permission', appliance: 'appliance.write' },
    }),
    ...providerRoutes(clients, 'VaultOidc', '/vaults/{vaultId}/oidc-provider', 'a vault', {
      read: { kind: 'permission', vault: 'vault.read' },
      write: { kind: 'permission', vault: 'vault.write' },
    }),
  ];
}

export const oidcRoutes = makeOidcRoutes();

// oxlint-disable-next-line max-lines-per-function -- a list of routes
function providerRoutes(
  clients: OidcClients,
  name: string,
  path: string,
  whose: string,
  { read, write }: { read: Access; write: Access },
): Route[] {
  const of = (given: { vaultId: string } | undefined) => given?.vaultId ?? '';
  const common: { path: string; tag: string; params?: z.ZodType<{ vaultId: string } | undefined> } = {
    path,
    tag,
    ...(path.includes('{') ? { params: z.strictObject({ vaultId }) } : {}),
  };
  return [
    route({
      ...common,
      operation: `get${name}Provider`,
      method: 'GET',
      summary: `Show the OpenID Connect provider of ${whose}`,
      access: read,
      answer: shownProvider,
      problems: ['not-found'],
      handle: async ({ services, params: given }) =>
        shown(services, await findProvider(services.store, of(given))),
    }),
    route({
      ...common,
      operation: `put${name}Provider`,
      method: 'PUT',
      summary: `Set up single sign-on for ${whose}`,
      description:
        'Send `If-Match: *` the first time. The provider’s metadata is fetched first, and what is wrong with it ' +
        'is reported. Sign-ins in progress end. If the issuer changes, users are linked again at their next ' +
        'sign-in, and sessions from the old one end.',
      access: write,
      body: providerInput,
      answer: shownProvider,
      changes: true,
      handle: async (call) => {
        const { services, act, params: given, body, expected } = call;
        // Who says which provider to believe can be anyone of the vault: no less than its administrator.
        checkReach(callerOf(call), administratorOf(of(given)));
        return shown(
          services,
          await putProvider(services, clients, act, { vaultId: of(given), expected }, body),
        );
      },
    }),
    route({
      ...common,
      operation: `delete${name}Provider`,
      method: 'DELETE',
      summary: `Turn off single sign-on for ${whose}`,
      description:
        'Ends every session that it opened. Users who sign in only this way cannot sign in until they are given ' +
        'another.',
      access: write,
      changes: true,
      problems: ['not-found'],
      handle: async (call) => {
        const { services, act, params: given, expected } = call;
        checkReach(callerOf(call), administratorOf(of(given)));
        await deleteProvider(services, act, { vaultId: of(given), expected });
        return { status: 204 };
      },
    }),
  ];
}

function shown({ publicUrl }: AdminServices, provider: OidcProvider) {
  return {
    rowVersion: provider.row_version,
    body: {
      issuer: provider.issuer,
      clientId: provider.client_id,
      scopes: provider.scopes.split(' '),
      usernameClaim: provider.username_claim,
      caCertificates: provider.ca_certificates === '' ? null : provider.ca_certificates,
      hasClientSecret: provider.client_secret_sealed !== null,
      redirectUri: redirectUriOf(publicUrl),
      createdAt: provider.created_at,
      updatedAt: provider.updated_at,
    },
  };
}

/** For the log: names and codes, nothing else that a provider wrote. */
function told(cause: unknown): Record<string, unknown> {
  if (!(cause instanceof Error)) return { why: String(cause) };
  const causes: string[] = [];
  for (let at: unknown = cause; at instanceof Error && causes.length < 6; at = at.cause) {
    const { code, error } = at as { code?: unknown; error?: unknown };
    const words = [at.name, code, error].filter((part) => typeof part === 'string');
    // An error code of OAuth is a word; what is not is the provider's prose.
    causes.push(words.filter((word) => /^\w{1,60}$/.test(word)).join(' '));
  }
  return { why: cause.message, causes };
}
