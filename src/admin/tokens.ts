import { tokensOf } from '../vault/granted-tokens.ts';
import { z } from 'zod';
import { recordAlone } from '../evidence/trail.ts';
import { hsmsInUse } from '../fleet/hsms-in-use.ts';
import { readTokensOnRecord } from '../keys/own-key-proofs.ts';
import { findNotEverywhere, type NotEverywhere } from '../reconcile/not-everywhere.ts';
import { countLeft, readReplacedTokens, recordErased, type ReplacedToken } from '../keys/replaced-tokens.ts';
import type { RecordedToken } from '../token/own-key-proofs.ts';
import type { TokenClient } from '../vault/tokens.ts';
import { Problem } from './problem.ts';
import { pageOf, pageOfWhole, wholeQuery } from './page-query.ts';
import { route, shownPage, type Route } from './route.ts';
import type { AdminServices, NodeFacts, TokenFacts } from './services.ts';
import { hsmsThatCount, shownIvs, showIvs } from './token-ivs.ts';
import { shownMinutes, showMinutes, shownQueue, showQueue } from './token-load.ts';
import { health, hostState, shownMember, showMembers } from './token-members.ts';
import { shownNotEverywhere, showNotEverywhere } from './token-versions.ts';

const tag = 'Tokens';
export const tokenName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .describe('Name of the token in the configuration.');
const one = z.strictObject({ token: tokenName });
const read = { kind: 'permission', appliance: 'appliance.read' } as const;

const shownToken = z
  .strictObject({
    name: z.string().describe('Its name in the configuration; AWS sees it as `ekmFleetDetails[].id`.'),
    profile: z.string().describe('The profile of its PKCS#11 module.'),
    vendor: z.string(),
    model: z.string().describe('The vendor’s product, according to the profile.'),
    health: health.describe(
      'ACTIVE: every host passed its health check within the last minute; DEGRADED: some did.',
    ),
    hosts: z
      .array(
        z.strictObject({
          pid: z.int().nullable().describe('Process id; null while it starts.'),
          state: hostState,
          member: z.string().describe('The member of the HSM group that it is of; else the token’s name.'),
        }),
      )
      .describe(
        'The token hosts of this node’s management process; `members[].hosts` has those of all processes.',
      ),
    members: z
      .array(shownMember)
      .describe('The HSMs that hold its keys: of an HSM group two or more, else one of the token’s name.'),
    iv: shownIvs,
    queue: shownQueue
      .nullable()
      .describe('What waits for it; null if no XKS worker of this node has told within the last 30 seconds.'),
    lastMinutes: shownMinutes
      .nullable()
      .describe('What it was asked lately by AWS’s requests to this node; null if this is not counted.'),
    notEverywhere: shownNotEverywhere
      .nullable()
      .describe(
        'Of an HSM group: key versions that not every member has; null for a single HSM, and if it has not been compared yet.',
      ),
    vaults: z.int().describe('Number of vaults that may use it.'),
    replaced: z
      .array(
        z.strictObject({
          id: z.uuid(),
          kind: z
            .enum(['token', 'member'])
            .describe(
              '`token`: a token that had the name before, until `holdfast init --replace-token`. `member`: an HSM that has held the ' +
                'keys of this token and was not asked when one was to be destroyed, since the configuration does not have it.',
            ),
          serials: z.array(z.string()).describe('Serial numbers that it was seen under.'),
          replacedAt: z.iso
            .datetime()
            .describe('When it was replaced; of a member, when it was noticed that it is not asked.'),
          erasedAt: z.iso
            .datetime()
            .nullable()
            .describe('Since when it is on record that no key object is left in it; null while it is not.'),
          keyVersions: z.int().describe('Versions, not DESTROYED, whose key objects were left in it.'),
        }),
      )
      .describe('What has or may have key objects of this token, and is not asked.'),
  })
  .meta({ id: 'Token', description: 'A PKCS#11 token, as this node sees it.' });

export const verificationSteps = z.enum([
  'module',
  'token',
  'login',
  'mechanisms',
  'self-test',
  'key-making',
  'latency',
]);

const report = z
  .strictObject({
    ok: z.boolean(),
    steps: z
      .array(
        z.strictObject({
          name: verificationSteps,
          ok: z.boolean(),
          milliseconds: z.number(),
          detail: z.string().describe('What was found, or what failed, with its CKR code.'),
        }),
      )
      .describe('In the order in which they were tried; the first that failed is the last.'),
    remediation: z.string().optional().describe('What to do, where one failed.'),
    info: z
      .strictObject({
        label: z.string(),
        serial: z.string(),
        manufacturer: z.string(),
        model: z.string(),
        firmware: z.string(),
        slot: z
          .int()
          .nullable()
          .describe(
            'The module’s number of the slot that it is in, which may change from one start to the next.',
          ),
      })
      .optional()
      .describe('What the token reports about itself.'),
    mechanisms: z.array(z.string()).optional().describe('PKCS#11 names; numbers for those without one.'),
  })
  .meta({ id: 'TokenReport', description: 'What a fresh connection to a token found out.' });

export const tokenRoutes: readonly Route[] = [
  route({
    operation: 'listTokens',
    method: 'GET',
    path: '/tokens',
    tag,
    summary: 'List the configured tokens',
    description: 'Users of a vault see in its `tokens` which of them their key sets may use.',
    access: read,
    query: z.strictObject(wholeQuery),
    answer: pageOf(shownToken, 'Token'),
    handle: async ({ services, query }) => {
      const known = await knownOf(services, services.tokenFacts);
      return shownPage(
        pageOfWhole(services.tokenFacts, query, ({ name }) => name),
        (facts) => show(services, facts, known),
      );
    },
  }),
  route({
    operation: 'getToken',
    method: 'GET',
    path: '/tokens/{token}',
    tag,
    summary: 'Show a token',
    access: read,
    params: one,
    answer: shownToken,
    handle: async ({ services, params }) => ({
      body: await showOne(services, factsOf(services, params.token)),
    }),
  }),
  route({
    operation: 'recordErasedToken',
    takesReason: true,
    method: 'POST',
    path: '/tokens/{token}/replaced/{replacedId}/record-erased',
    tag,
    summary: 'Record that a token or HSM that is not asked any more is erased',
    description:
      'No key object is left in it, by your word: nobody can ask it. From then on what was left in it and is to be ' +
      'destroyed counts as destroyed, within a minute. Refused for an HSM that a node uses. Cannot be taken back. Safe to repeat.',
    access: { kind: 'permission', appliance: 'appliance.write' },
    params: z.strictObject({ ...one.shape, replacedId: z.uuid().describe('Its `id` in `replaced`.') }),
    answer: shownToken,
    problems: ['not-found', 'conflict'],
    handle: async ({ services, params, act }) => {
      const facts = factsOf(services, params.token);
      const { name: token } = facts;
      const inUse = await hsmsInUse(services, token);
      await recordErased(services, act, { token, id: params.replacedId, inUse });
      return { body: await showOne(services, facts) };
    },
  }),
  route({
    operation: 'verifyToken',
    method: 'POST',
    path: '/tokens/{token}/verify',
    tag,
    summary: 'Verify the connection to a token',
    description:
      'Starts an additional token host that loads the module, finds the token, logs in, reads the mechanisms, ' +
      'runs the self-test and times 20 operations; the hosts that serve are left alone. Returns 200 with the ' +
      'report whether it succeeded or not, at most one second after `token.start_timeout_ms`. A PIN that the ' +
      'token has refused is not tried again.',
    access: { kind: 'permission', appliance: 'tokens.verify' },
    params: one,
    answer: report,
    handle: async ({ services, params, act }) => {
      const { name } = factsOf(services, params.token);
      const found = await services.verifyToken(name);
      const failed = found.steps.find(({ ok }) => !ok);
      await recordAlone(services.store, act, {
        action: 'token.verify',
        vaultId: '',
        target: { kind: 'token', id: name, name },
        after: {
          ok: found.ok,
          ...(failed === undefined ? {} : { failed: failed.name, detail: failed.detail }),
        },
      });
      return { body: found };
    },
  }),
];

function factsOf(services: AdminServices, name: string): TokenFacts {
  const facts = services.tokenFacts.find((candidate) => candidate.name === name);
  if (facts === undefined)
    throw new Problem('not-found', 'the configuration has no token of this name', {
      remediation: 'GET /tokens',
    });
  return facts;
}

/** What the store and the supervisor have of tokens, by name. */
interface Known {
  vaults: ReadonlyMap<string, number>;
  recorded: ReadonlyMap<string, RecordedToken>;
  replaced: readonly ReplacedToken[];
  /** By the id of the replaced token. */
  left: ReadonlyMap<string, number>;
  facts: NodeFacts | undefined;
  /** HSMs that may count their IVs, by the token's name. */
  counting: ReadonlyMap<string, readonly string[]>;
  notEverywhere: ReadonlyMap<string, NotEverywhere>;
}

async function knownOf(services: AdminServices, tokens: readonly TokenFacts[]): Promise<Known> {
  const { db } = services.store;
  const names = tokens.map(({ name }) => name);
  const groups = names.filter((name) => services.tokens.pool(name).members.length > 1);
  // Each is waited for as long as the slowest worker may take.
  const [facts] = await Promise.all([services.nodeFacts?.(), services.gathered?.metrics.count()]);
  const replaced = await readReplacedTokens(db, names);
  const recorded = await readTokensOnRecord({ db });
  const counting = new Map<string, readonly string[]>();
  for (const token of tokens) counting.set(token.name, await hsmsThatCount(services, token, recorded));
  return {
    vaults: await vaultsByToken(services),
    ...{ recorded, replaced, facts, counting },
    left: replaced.length === 0 ? new Map() : await countLeft(db),
    notEverywhere: await findNotEverywhere(services, groups),
  };
}

async function showOne(services: AdminServices, facts: TokenFacts): Promise<z.infer<typeof shownToken>> {
  return show(services, facts, await knownOf(services, [facts]));
}

/** How many vaults may use each token. */
async function vaultsByToken({ store }: AdminServices): Promise<ReadonlyMap<string, number>> {
  // Of the vaults there may be ten thousand; of the sets of tokens that they may use there are few.
  const sets = await store.db
    .selectFrom('vaults')
    .select((eb) => ['tokens', eb.fn.countAll<number>().as('vaults')])
    .where('deleted_at', 'is', null)
    .groupBy('tokens')
    .execute();
  const used = new Map<string, number>();
  for (const set of sets)
    for (const name of tokensOf(set)) used.set(name, (used.get(name) ?? 0) + set.vaults);
  return used;
}

function show(
  services: AdminServices,
  token: TokenFacts,
  { vaults, recorded, replaced, left, facts, counting, notEverywhere }: Known,
): z.infer<typeof shownToken> {
  const { name, profile, vendor, model } = token;
  const pool: TokenClient = services.tokens.pool(name);
  const metrics = services.gathered?.metrics;
  const members = showMembers(pool, { facts, metrics, recorded: recorded.get(name), now: services.now() });
  const missing = notEverywhere.get(name);
  return {
    name,
    profile,
    vendor,
    model,
    health: pool.health,
    hosts: pool.hosts.map(({ pid, state, member }) => ({ pid: pid === 0 ? null : pid, state, member })),
    members,
    iv: showIvs(token, members, counting.get(name) ?? []),
    queue: showQueue(metrics, name),
    lastMinutes: showMinutes(metrics, name),
    notEverywhere: missing === undefined ? null : showNotEverywhere(missing),
    vaults: vaults.get(name) ?? 0,
    replaced: replaced
      .filter(({ token }) => token === name)
      .map(({ id, kind, serials, replacedAt, erasedAt }) => ({
        id,
        kind,
        serials: [...serials],
        replacedAt,
        erasedAt,
        keyVersions: left.get(id) ?? 0,
      })),
  };
}
