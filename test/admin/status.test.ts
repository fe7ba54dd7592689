import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import type { z } from 'zod';
import type { Call } from '../../src/admin/route.ts';
import type { AdminServices, DiskFacts, MemberFacts, NodeFacts } from '../../src/admin/services.ts';
import { acknowledgementRoutes } from '../../src/admin/status/acknowledgement-routes.ts';
import { acknowledgeable } from '../../src/admin/status/acknowledgements.ts';
import { EndedAcknowledgements } from '../../src/admin/status/ended-acknowledgements.ts';
import { statusRoutes } from '../../src/admin/status/status.ts';
import { tokenFindings, tokenStatus, type Trouble } from '../../src/admin/status/findings.ts';
import { exitCodeOf, linesOf, type Status } from '../../src/cli/commands/status.ts';
import type { Caller } from '../../src/identity/caller.ts';
import { permissionsOf } from '../../src/identity/permissions.ts';
import type { SqliteStore } from '../../src/store/sqlite/sqlite.ts';
import { lookUpCloudKeys } from '../../src/keys/key-lookup.ts';
import { RequestTotals } from '../../src/metrics/request-totals.ts';
import { VitalSeries } from '../../src/metrics/series/vital-series.ts';
import { VitalSigns } from '../../src/metrics/series/vital-signs.ts';
import { freezeKeySet, thawKeySet } from '../../src/keys/key-sets/key-sets.ts';
import { refreshKmsKey } from '../../src/cloud/kms-keys/attempts.ts';
import {
  emptyComparison,
  type Finding,
  type TokenComparison,
} from '../../src/reconcile/reconciliation-report.ts';
import { ownKeys } from '../../src/token/own-keys.ts';
import { TokenPools } from '../../src/vault/tokens.ts';
import { TokenPool } from '../../src/token/pool/token-pool.ts';
import { freezeVault, thawVault } from '../../src/vault/vault-freezes.ts';
import type { Sight } from '../../src/vault/context.ts';
import {
  newConnected,
  newKeySetInAws,
  openStage,
  type KeySetInAws,
  type Stage,
} from '../../testing/external-key-store-stage.ts';
import { nodeOf } from '../../src/fleet/nodes.ts';
import { kmsOf, newKmsKey } from '../../testing/kms-key-stage.ts';

/* What is wrong is told with the command that mends it, and where nothing is, nothing is told. */

interface Context {
  stage: Stage;
  set: KeySetInAws;
  kmsKeyRecord: { id: string; key_id: string };
  facts: NodeFacts | undefined;
  disk: DiskFacts;
}

const test = anyTest as TestFn<Context>;
const day = 86_400_000;
const gib = 1024 ** 3;

test.before(async (t) => {
  const stage = await openStage();
  const set = await newConnected(stage, { name: 'payments' });
  const { kmsKeyRecord } = await newKmsKey(stage, set);
  t.context = { stage, set, kmsKeyRecord, facts: wellFacts(stage), disk: roomy };
});
test.after.always(async (t) => t.context.stage?.dispose());

const refusedSince = '2026-11-29T14:00:00.000Z';
/** A token that may count its IVs. */
const counting: AdminServices['tokenFacts'][number] = {
  ...{ name: 'token', profile: 'softhsm2', vendor: '', model: '' },
  ...{ iv: { mode: 'hsm-in-place', bytes: 12 }, drawsIvs: false },
};
const roomy: DiskFacts = { free: 90 * gib, total: 100 * gib, reserve: 16, wholeReserve: 16 };

function wellFacts({ vaultContext }: Stage, token: Partial<NodeFacts['tokens'][number]> = {}): NodeFacts {
  return {
    tokens: [
      {
        name: 'token',
        hosts: 6,
        up: 6,
        pinRefused: false,
        newPinBy: 'reload',
        problem: undefined,
        ownKeys: [],
        members: [],
        ...token,
      },
    ],
    certificates: [ending(vaultContext.now(), 90)],
    quotas: { refusedSince, near: [] },
  };
}

/** Of an HSM group, well unless told. */
function member(name: string, told: Partial<MemberFacts> = {}): MemberFacts {
  return {
    ...{ name, serial: `0a1${name}`, hosts: 3, up: 3, since: refusedSince },
    ...{ pinRefused: false, failure: undefined, info: undefined, each: [] },
    ...told,
  };
}

function ending(now: Date, days: number): NodeFacts['certificates'][number] {
  const expiresAt = new Date(now.getTime() + days * day).toISOString();
  return { listeners: ['xks', 'management'], subject: 'CN=xks.example.com', expiresAt };
}

/** What the route answers, held against its schema. */
async function status(
  context: Context,
  who: 'appliance' | Sight = 'all',
  services: Partial<AdminServices> = {},
): Promise<Status> {
  const operation = who === 'appliance' ? 'getStatus' : 'getVaultStatus';
  return (await ask(context, operation, who, undefined, services)) as Status;
}

async function ask(
  context: Context,
  operation: string,
  who: 'appliance' | Sight,
  body?: unknown,
  services: Partial<AdminServices> = {},
): Promise<unknown> {
  const { stage } = context;
  const found = [...statusRoutes, ...acknowledgementRoutes].find((one) => one.operation === operation);
  if (found === undefined) throw new Error('there is no route');
  const role = who === 'appliance' ? 'appliance-admin' : 'vault-admin';
  const caller: Caller = {
    ...{ kind: 'user', userId: randomUUID(), username: 'ada', role, state: 'ACTIVE', byCookie: false },
    ...{ vaultId: who === 'appliance' ? '' : stage.vaultId, permissions: new Set(permissionsOf[role]) },
    ...{ sight: who === 'appliance' ? 'all' : who, credentialId: randomUUID() },
  };
  const call = {
    services: servicesOf(context, services),
    ...{ caller, act: stage.act(), body },
    params: who === 'appliance' ? undefined : { vaultId: stage.vaultId },
  } as unknown as Call<unknown, unknown, unknown>;
  const answer = await found.handle(call);
  return (found.answer as z.ZodType).parse(JSON.parse(JSON.stringify(answer.body)));
}

function servicesOf({ stage, facts, disk }: Context, services: Partial<AdminServices> = {}): AdminServices {
  return {
    ...stage.vaultContext,
    version: '1',
    tokenFacts: [counting],
    nodeFacts: async () => facts,
    disk: () => disk,
    whyUnwritable: () => (stage.vaultContext.store as SqliteStore).whyUnwritable(),
    ...services,
  } as AdminServices;
}

const troublesOf = ({ findings }: Status) => findings.map(({ trouble }) => trouble);

test.serial('nothing wrong is nothing told, on the appliance and in the vault', async (t) => {
  for (const who of ['appliance', 'all'] as const) {
    const told = await status(t.context, who);
    t.deepEqual(told.findings, []);
    t.true(told.ok);
    assertOneScreen(t, told);
    t.like(told, { cloudKeys: { AVAILABLE: 1 }, externalKeyStores: { CONNECTED: 1 } });
    t.like(told.keySets, { total: 1, frozen: 0 });
  }
});

/** What people see of it, on the smallest of terminals, and what a script learns. */
function assertOneScreen(t: ExecutionContext<Context>, told: Status): void {
  const lines = linesOf(told, {});
  const n = told.findings.length;
  const verdict =
    n === 0 ? 'nothing needs attention' : n === 1 ? '1 thing needs attention' : `${n} things need attention`;
  t.is(lines[0], verdict);
  t.is(exitCodeOf(told), n === 0 ? 0 : 1);
  t.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  t.true(lines.length <= 24, lines.join('\n'));
}

interface Condition {
  name: string;
  trouble: Trouble;
  /** Words of the message and of the command, for who can mend it. */
  says: RegExp;
  mends: RegExp;
  /** Whom it concerns besides the appliance's users. */
  vaultToo: boolean;
  /** Makes it so; what it answers undoes it. */
  make: (context: Context) => Promise<() => Promise<unknown>>;
}

const facts =
  (change: (context: Context) => NodeFacts): Condition['make'] =>
  async (context) => {
    context.facts = change(context);
    return async () => {
      context.facts = wellFacts(context.stage);
    };
  };

function column(
  table: 'key_versions' | 'xks_credentials' | 'external_key_stores',
  set: Record<string, unknown>,
  back: Record<string, unknown>,
): Condition['make'] {
  return async ({ stage }) => {
    const write = async (values: object) =>
      stage.vaultContext.store.db
        .updateTable(table as 'key_versions')
        .set(values)
        .execute();
    await write(set);
    return async () => write(back);
  };
}

const [reportId, olderId] = ['0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10', '1b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10'];

interface Report {
  id: string;
  token: string;
  /** Why it was not compared. */
  problem?: string;
  counts?: Partial<TokenComparison['counts']>;
  findings?: Finding[];
}

/** Reports of the appliance, the newest first; what it answers takes them away. */
async function reported(stage: Stage, reports: readonly Report[]): Promise<() => Promise<unknown>> {
  const { db } = stage.vaultContext.store;
  for (const [age, { id, token, problem = null, counts, findings = [] }] of reports.entries()) {
    const at = `${2027 - age}-01-01T00:00:00.000Z`;
    const none = emptyComparison(token);
    const comparison = { ...none, compared: problem === null, problem, findings };
    await db
      .insertInto('reconciliations')
      .values({
        ...{ id, vault_id: '', began_at: at, ended_at: at, asked_by: 'start' },
        report: JSON.stringify([{ ...comparison, counts: { ...none.counts, ...counts } }]),
      })
      .onConflict((already) => already.doNothing())
      .execute();
  }
  return async () => db.deleteFrom('reconciliations').where('id', 'in', [reportId, olderId]).execute();
}

function told(finding: Partial<Finding> & Pick<Finding, 'kind' | 'outcome'>): Finding {
  const of = { vaultId: null, keySetId: null, cloudKeyId: null, name: null, externalKeyId: null };
  return { ...of, version: null, objectId: '', label: null, member: null, detail: '', ...finding };
}

const conditions: Condition[] = [
  {
    name: 'a token is down',
    trouble: 'TOKEN_DOWN',
    says: /token token does not answer: no key in it can be used: C_Login/,
    mends: /^holdfast token verify token$/,
    vaultToo: true,
    make: facts(({ stage }) => wellFacts(stage, { up: 0, problem: 'C_Login: CKR_DEVICE_ERROR' })),
  },
  {
    name: 'a token is degraded',
    trouble: 'TOKEN_DEGRADED',
    says: /4 of 6 token hosts serve/,
    mends: /^holdfast token verify token$/,
    vaultToo: true,
    make: facts(({ stage }) => wellFacts(stage, { up: 4 })),
  },
  {
    name: 'a member of an HSM group is down',
    trouble: 'TOKEN_DEGRADED',
    says: /3 of 6 token hosts serve, none of member b \(serial 0a1b\): C_Login: CKR_DEVICE_ERROR$/,
    mends: /^holdfast token verify token$/,
    vaultToo: true,
    make: facts(({ stage }) =>
      wellFacts(stage, {
        up: 3,
        problem: 'C_Login: CKR_SESSION_COUNT',
        members: [
          member('a', { failure: { problem: 'C_Login: CKR_SESSION_COUNT', remediation: '' } }),
          member('b', { up: 0, failure: { problem: 'C_Login: CKR_DEVICE_ERROR', remediation: '' } }),
        ],
      }),
    ),
  },
  {
    name: 'a PIN was refused by one HSM of a group',
    trouble: 'PIN_REFUSED',
    says: /^token token: member b \(serial 0a1b\) has refused its PIN; it is not tried again/,
    mends: /PIN in place \(pin of its \[\[token\.member\]\].*systemctl reload holdfast$/,
    vaultToo: true,
    make: facts(({ stage }) =>
      wellFacts(stage, {
        up: 3,
        pinRefused: true,
        members: [member('a'), member('b', { up: 0, pinRefused: true })],
      }),
    ),
  },
  {
    name: 'a PIN was refused',
    trouble: 'PIN_REFUSED',
    says: /has refused its PIN/,
    mends: /systemctl reload holdfast/,
    vaultToo: true,
    make: facts(({ stage }) => wellFacts(stage, { up: 0, pinRefused: true })),
  },
  {
    name: 'a PIN that systemd handed over was refused',
    trouble: 'PIN_REFUSED',
    says: /has refused its PIN/,
    mends: /systemctl restart holdfast/,
    vaultToo: true,
    make: facts(({ stage }) => wellFacts(stage, { up: 0, pinRefused: true, newPinBy: 'restart' })),
  },
  {
    name: 'a key of Holdfast’s own is another',
    trouble: 'TOKEN_OWN_KEY_UNFIT',
    says: /token token: key "holdfast:protecting:1": it does not open the proof/,
    mends: /^restore it from a backup of the token/,
    vaultToo: true,
    make: facts(({ stage }) =>
      wellFacts(stage, { ownKeys: ['key "holdfast:protecting:1": it does not open the proof'] }),
    ),
  },
  {
    name: 'somebody has changed the schema of the store',
    trouble: 'STORE_UNWRITABLE',
    says: /^nothing is changed any more.*trigger late on cloud_keys is not of Holdfast$/,
    mends: /dropped with sqlite3/,
    vaultToo: false,
    make: async ({ stage }) => {
      const { store } = stage.vaultContext;
      await sql`CREATE TRIGGER late AFTER UPDATE ON cloud_keys BEGIN SELECT 1; END`.execute(store.db);
      return async () => sql`DROP TRIGGER late`.execute(store.db);
    },
  },
  {
    name: 'a certificate ends soon',
    trouble: 'CERTIFICATE_ENDS',
    says: /ends in 9 days/,
    mends: /serve --check/,
    vaultToo: false,
    make: facts(({ stage }) => ({
      ...wellFacts(stage),
      certificates: [ending(stage.vaultContext.now(), 9.5)],
    })),
  },
  {
    name: 'a certificate has expired',
    trouble: 'CERTIFICATE_EXPIRED',
    says: /expired at .*no client takes it/,
    mends: /new certificate/,
    vaultToo: false,
    make: facts(({ stage }) => ({
      ...wellFacts(stage),
      certificates: [ending(stage.vaultContext.now(), -1)],
    })),
  },
  {
    name: 'the disk is nearly full',
    trouble: 'DISK_NEARLY_FULL',
    says: /200 MiB left/,
    mends: /make room/,
    vaultToo: false,
    make: async (context) => {
      context.disk = { ...roomy, free: 200 * 1024 ** 2 };
      return async () => {
        context.disk = roomy;
      };
    },
  },
  {
    name: 'a key does not open its proof',
    trouble: 'KEY_PROOF_FAILED',
    says: /1 key version whose key object in the token is not the one on record/,
    mends: /holdfast reconcile run/,
    vaultToo: true,
    make: column('key_versions', { unfit_since: '2026-01-01T00:00:00.000Z' }, { unfit_since: null }),
  },
  {
    name: 'the last reconciliation has found what somebody has to look at',
    trouble: 'RECONCILIATION_FINDINGS',
    says: /^token token, as compared at 2027-\S+: 1 key version without a key object, 1 act that was cut off and could not be ended$/,
    mends: /^holdfast reconcile show 0b6d9b2e-3a55-4f5f-8f57-3f4a1c1f6a10; .*holdfast reconcile run$/,
    vaultToo: false,
    make: async ({ stage }) =>
      reported(stage, [
        {
          ...{ id: reportId, token: 'token', counts: { interrupted: 3, missing: 2, orphan: 2, unproven: 4 } },
          findings: [
            // One of the two that are missing was undone, and one act of three was not ended.
            told({ kind: 'missing', outcome: 'undone' }),
            told({ kind: 'interrupted', outcome: 'failed' }),
            told({ kind: 'interrupted', outcome: 'finished' }),
          ],
        },
        // A token that the newest report does not name is the appliance's no more.
        { ...{ id: olderId, token: 'before', counts: { missing: 1 } } },
      ]),
  },
  {
    name: 'the last reconciliation could not look at a token in which one before had found something',
    trouble: 'RECONCILIATION_FINDINGS',
    says: /^token token was not compared since 2026-\S+: unavailable: C_Login; as compared at 2026-\S+: 2 key versions without a key object \(holdfast reconcile show 1b6d9b2e-\S+\)$/,
    mends: /^once the token answers: holdfast reconcile run$/,
    vaultToo: false,
    make: async ({ stage }) =>
      reported(stage, [
        { ...{ id: reportId, token: 'token', problem: 'unavailable: C_Login' } },
        { ...{ id: olderId, token: 'token', counts: { missing: 2 } } },
      ]),
  },
  {
    name: 'no reconciliation could look at a token yet',
    trouble: 'RECONCILIATION_FINDINGS',
    says: /^token token was not compared yet: unavailable: C_Login$/,
    mends: /holdfast reconcile run$/,
    vaultToo: false,
    make: async ({ stage }) =>
      reported(stage, [{ ...{ id: reportId, token: 'token', problem: 'unavailable: C_Login' } }]),
  },
  {
    name: 'a version that is to be destroyed may be in an HSM that was not asked',
    trouble: 'HSM_NOT_ASKED',
    says: /^token token: \d+ key versions? to be destroyed may be in the HSM of serial away$/,
    mends: new RegExp(
      `^holdfast reconcile run on a node that has it; .*: holdfast token record-erased token ${olderId}$`,
    ),
    vaultToo: false,
    make: async (context) => {
      const { db } = context.stage.vaultContext.store;
      const hsm = { id: olderId, kind: 'member' as const, token: 'token', serials: '["away"]' };
      await db
        .insertInto('replaced_tokens')
        .values({ ...hsm, replaced_at: '2026-11-29T14:00:00.000Z' })
        .execute();
      const undo = await column('key_versions', { left_in: olderId }, { left_in: null })(context);
      return async () => {
        await undo();
        await db.deleteFrom('replaced_tokens').where('id', '=', olderId).execute();
      };
    },
  },
  {
    name: 'two HSMs that may count their IVs have the keys of a token',
    trouble: 'TOKEN_IVS_MAY_REPEAT',
    says: /^token token: its keys were seen in several HSMs \(serial 0a1a, 0a1b\) that may each count their IVs/,
    mends: /iv\.random: docs\/profiles\.md/,
    vaultToo: false,
    make: async ({ stage }) => {
      const { db } = stage.vaultContext.store;
      const proof = Buffer.alloc(32);
      const rows = ['0a1a', '0a1b'].map((serial) => {
        const { label } = ownKeys.sealing;
        return { token: 'token', serial, label, proof, made_at: refusedSince };
      });
      await db.insertInto('own_key_proofs').values(rows).execute();
      return async () => db.deleteFrom('own_key_proofs').where('serial', 'in', ['0a1a', '0a1b']).execute();
    },
  },
  {
    name: 'a budget is near its end',
    trouble: 'ENCRYPTION_LIMIT_NEAR',
    says: /1 key past 2³¹ encryptions/,
    mends: /holdfast cloud-key rotate/,
    vaultToo: true,
    make: column('key_versions', { encryptions_leased: 2 ** 31 }, { encryptions_leased: 0 }),
  },
  {
    name: 'a key store is not connected',
    trouble: 'KEY_STORE_NOT_CONNECTED',
    says: /1 external key store not connected/,
    mends: /holdfast external-key-store connect/,
    vaultToo: true,
    make: column('external_key_stores', { state: 'DISCONNECTED' }, { state: 'CONNECTED' }),
  },
  {
    name: 'a credential is old',
    trouble: 'CREDENTIAL_OLD',
    says: /1 XKS credential older than 365 days/,
    mends: /holdfast credential rotate/,
    vaultToo: true,
    make: async (context) => {
      const { db } = context.stage.vaultContext.store;
      const rows = await db.selectFrom('xks_credentials').select(['access_key_id', 'created_at']).execute();
      await db.updateTable('xks_credentials').set({ created_at: '2020-01-01T00:00:00.000Z' }).execute();
      return async () => {
        for (const { access_key_id, created_at } of rows)
          await db
            .updateTable('xks_credentials')
            .set({ created_at })
            .where('access_key_id', '=', access_key_id)
            .execute();
      };
    },
  },
  {
    name: 'AWS has a KMS key otherwise',
    trouble: 'KMS_KEY_DRIFT',
    says: /1 KMS key in AWS not as on record here/,
    mends: /holdfast kms-key show/,
    vaultToo: true,
    make: async ({ stage, set, kmsKeyRecord }) => {
      const kms = await kmsOf(stage, set);
      await kms.disable(kmsKeyRecord.key_id);
      stage.simulator.settle();
      await refreshKmsKey(stage.vaultContext, kmsKeyRecord.id);
      return async () => {
        await kms.enable(kmsKeyRecord.key_id);
        stage.simulator.settle();
        await refreshKmsKey(stage.vaultContext, kmsKeyRecord.id);
      };
    },
  },
  {
    name: 'the vault is frozen',
    trouble: 'VAULT_FROZEN',
    says: /the vault is frozen/,
    mends: /holdfast vault thaw/,
    vaultToo: true,
    make: async ({ stage: { vaultContext, act, vaultId } }) => {
      await freezeVault(vaultContext, act(), { vaultId }, 'vault');
      return async () => thawVault(vaultContext, act(), { vaultId }, 'vault');
    },
  },
  {
    name: 'a key set is frozen',
    trouble: 'KEY_SET_FROZEN',
    says: /1 key set frozen: payments|1 key set frozen$/,
    mends: /holdfast key-set thaw payments|holdfast status/,
    vaultToo: true,
    make: async ({ stage: { vaultContext, act, vaultId }, set }) => {
      await freezeKeySet(vaultContext, act(), { vaultId, sight: 'all', id: set.keySet.id });
      return async () => thawKeySet(vaultContext, act(), { vaultId, sight: 'all', id: set.keySet.id });
    },
  },
  {
    name: 'a request quota is used up',
    trouble: 'QUOTA_NEAR',
    says: /^1 request quota nearly or wholly used up, 1234 requests refused since 2026-.*: key set payments \(97 % in a minute, 1234 refused\)$/,
    mends: /^is it meant\? holdfast key-set edit payments --quota/,
    vaultToo: true,
    make: async (context) => {
      const { set, stage } = context;
      const quotas = { refusedSince, near: [spent(set.keySet.id)] };
      context.facts = { ...wellFacts(stage), ...context.facts, quotas };
      return async () => {
        context.facts = wellFacts(stage);
      };
    },
  },
];

const spent = (id: string) => ({ bucket: `key-set:${id}`, share: 0.97, refused: 1234 });

for (const { name, trouble, says, mends, vaultToo, make } of conditions)
  test.serial(`${name}: it is told, with what mends it, and gone once it is mended`, async (t) => {
    const undo = await make(t.context);
    try {
      for (const who of ['appliance', 'all'] as const) {
        const told = await until(t.context, who, who === 'appliance' || vaultToo ? [trouble] : []);
        t.deepEqual(troublesOf(told), who === 'appliance' || vaultToo ? [trouble] : []);
        t.is(told.ok, told.findings.length === 0);
        assertOneScreen(t, told);
        const [finding] = told.findings;
        if (finding === undefined) continue;
        const ofNode = told.nodes !== undefined;
        // Who cannot mend it is told who can.
        const forOthers = ofNode ? /holdfast status|holdfast vault/ : /an administrator of the appliance/;
        if (isOfAppliance(trouble) === ofNode) {
          t.regex(finding.message, says);
          t.regex(finding.remediation, mends);
        } else t.regex(finding.remediation, forOthers);
        // Of what is inside a vault the appliance's users see no name.
        if (ofNode) t.notRegex(JSON.stringify(finding), /payments/);
        t.deepEqual(finding.on, await affected(t.context, trouble, ofNode));
        t.is(finding.onMore, 0);
        if (finding.command !== null) t.true(finding.remediation.includes(finding.command));
      }
    } finally {
      await undo();
    }
    t.deepEqual(troublesOf(await until(t.context, 'appliance', [])), []);
  });

/** What a finding is on, where there is one of each. */
async function affected({ stage, set, kmsKeyRecord }: Context, trouble: Trouble, ofAppliance: boolean) {
  const { db } = stage.vaultContext.store;
  const first = async (table: 'vaults' | 'cloud_keys' | 'external_key_stores') =>
    db.selectFrom(table).select(['id', 'name']).executeTakeFirstOrThrow();
  if (/^(TOKEN|HSM|PIN|RECONCILIATION)_/.test(trouble))
    return [{ kind: 'token', id: 'token', name: 'token' }];
  // Of a node that has not shown itself there is nothing to lead to.
  if (isOfAppliance(trouble)) return [];
  if (ofAppliance || trouble === 'VAULT_FROZEN') return [{ kind: 'vault', ...(await first('vaults')) }];
  const { id: keySetId, name } = set.keySet;
  if (/^(KEY_SET_FROZEN|QUOTA_NEAR)$/.test(trouble)) return [{ kind: 'key-set', id: keySetId, name }];
  const key = await first('cloud_keys');
  if (trouble.startsWith('CREDENTIAL_')) {
    const { access_key_id: id } = await db
      .selectFrom('xks_credentials')
      .select('access_key_id')
      .where('withdrawn_at', 'is', null)
      .executeTakeFirstOrThrow();
    return [{ kind: 'xks-credential', id, name: id, keySetId }];
  }
  if (trouble === 'KEY_STORE_NOT_CONNECTED')
    return [{ kind: 'external-key-store', ...(await first('external_key_stores')), keySetId }];
  if (trouble.startsWith('KMS_KEY_'))
    return [{ kind: 'kms-key', id: kmsKeyRecord.id, name: key.name, keySetId, cloudKeyId: key.id }];
  return [{ kind: 'cloud-key', ...key, keySetId }];
}

/** What was computed beside is there soon. */
async function until(
  context: Context,
  who: 'appliance' | Sight,
  wanted: Trouble[] | ((found: Trouble[]) => boolean),
): Promise<Status> {
  const fits = (found: Trouble[]) =>
    typeof wanted === 'function' ? wanted(found) : found.join() === wanted.join();
  for (let tries = 0; ; tries++) {
    const told = await status(context, who);
    if (tries === 100 || fits(troublesOf(told))) return told;
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

function isOfAppliance(trouble: Trouble): boolean {
  return /^(STORE|TOKEN|HSM|PIN|CERTIFICATE|DISK|NODE|RECONCILIATION)_/.test(trouble);
}

test.serial(
  'the requests of the last hour are a line of the screen, and their reliability is never told as more than it is',
  async (t) => {
    const told = await status(t.context, 'appliance');
    const line = (traffic: NonNullable<Status['traffic']>) =>
      /^requests +(.*?)\n\S/ms
        .exec(linesOf({ ...told, traffic }, {}).join('\n'))?.[1]
        ?.replaceAll(/\s+/g, ' ');
    const whole = { included: 3, missing: 0, missingHosts: [] };
    const busy = { requests: 11_520, requestsPerSecond: 3.25, reliabilityPercent: 99.9999, p99Ms: 12.34 };
    t.is(
      line({ ...busy, nodes: whole }),
      '3.2 a second; in the last hour 11,520, reliability 99.99 %, 99 in 100 within 12.3 ms',
    );
    const idle = { requests: 0, requestsPerSecond: 0, reliabilityPercent: null, p99Ms: null };
    t.is(line({ ...idle, nodes: whole }), 'none in the last hour');
    t.is(
      line({ ...idle, nodes: { included: 1, missing: 2, missingHosts: ['b.example', 'c.example'] } }),
      'none in the last hour; without b.example and c.example',
    );
    t.is(line({ ...idle, nodes: { included: 1, missing: 2 } }), 'none in the last hour; without 2 nodes');
    // An older node, as a load balancer may choose it.
    t.is(line(idle as Parameters<typeof line>[0]), 'none in the last hour');
  },
);

test.serial(
  'how the nodes were in the last hour is a line of the screen, and the most used budget is in it',
  async (t) => {
    const { store } = t.context.stage.vaultContext;
    const at = new Date('2027-01-01T00:00:00.000Z');
    const options = { store, nodeId: 'node', now: () => at };
    const vitals = new VitalSeries(options);
    const metrics = { requests: new RequestTotals(), workers: new Map(), leases: [] };
    const signs = new VitalSigns({
      store,
      metrics,
      facts: async () => wellFacts(t.context.stage, { up: 3 }),
    });
    const undo = await column(
      'key_versions',
      { encryptions_leased: 2 ** 30 },
      { encryptions_leased: 0 },
    )(t.context);
    await vitals.add(await signs.look());
    await undo();
    const gathered = { vitals, metrics: { look: async () => undefined, leases: [] }, nodeId: 'node' };
    const series = { read: async () => new Map() };
    const services = {
      gathered: { ...gathered, series },
      now: () => at,
    } as unknown as Partial<AdminServices>;
    const told = await status(t.context, 'appliance', services);
    t.like(told.vitals, { looks: 1, budgetPercent: 25, storeUpPercent: 100, leastLeasePercent: null });
    const line = /^last hour +(.*?)\n\S/ms.exec(linesOf(told, {}).join('\n'))?.[1]?.replaceAll(/\s+/g, ' ');
    t.regex(
      line ?? '',
      /^token 50 % of its hosts fit, 50 % at the least; the database answered always, within [\d.]+ ms; 25 % of the encryptions of a key version used$/,
    );
    t.is((await status(t.context, 'all', services)).vitals, undefined, 'nodes are the appliance’s');
  },
);

test.serial('key objects that no record knows are noted and need nobody', async (t) => {
  const { stage } = t.context;
  const undo = await reported(stage, [{ id: reportId, token: 'token', counts: { orphan: 2 } }]);
  const [ofAppliance, ofVault] = [await status(t.context, 'appliance'), await status(t.context)];
  await undo();
  t.true(ofAppliance.ok);
  t.deepEqual(ofAppliance.notes, [
    {
      where: 'token',
      message:
        'token token, as compared at 2027-01-01T00:00:00.000Z: 2 key objects that no record knows, left as they are',
      more: `holdfast reconcile show ${reportId}`,
    },
  ]);
  t.is(ofVault.notes, undefined);
  const screen = linesOf(ofAppliance, {});
  t.is(screen[0], 'nothing needs attention');
  t.regex(
    screen.slice(1, 3).join(' ').replaceAll(/ +/g, ' '),
    /^· token token, as compared at 2027-01-01 .*2 key objects that no record knows/,
  );
});

test.serial('a key object that is missing needs nobody while its CloudKey is to be deleted', async (t) => {
  const { stage } = t.context;
  const { db } = stage.vaultContext.store;
  const { id } = await db.selectFrom('cloud_keys').select('id').executeTakeFirstOrThrow();
  const findings = [told({ kind: 'missing', outcome: 'none', cloudKeyId: id, version: 1 })];
  const undo = await reported(stage, [{ id: reportId, token: 'token', counts: { missing: 1 }, findings }]);
  const states = [];
  for (const state of ['AVAILABLE', 'PENDING_DELETION', 'AVAILABLE'] as const) {
    await db.updateTable('cloud_keys').set({ state }).where('id', '=', id).execute();
    const { findings: found } = await status(t.context, 'appliance');
    states.push(found.some(({ trouble }) => trouble === 'RECONCILIATION_FINDINGS'));
  }
  const version = db.updateTable('key_versions').where('cloud_key_id', '=', id);
  await version.set({ state: 'DESTROYING' }).execute();
  const { ok } = await status(t.context, 'appliance');
  await version.set({ state: 'ACTIVE' }).execute();
  await undo();
  t.deepEqual(states, [true, false, true], 'as soon as the deletion is cancelled it is told again');
  t.true(ok, 'nor where its destruction is ordered');
});

test.serial('quotas are told with what was refused, of a vault by name and of a CloudKey too', async (t) => {
  const { stage } = t.context;
  const { id } = await stage.vaultContext.store.db
    .selectFrom('cloud_keys')
    .select('id')
    .executeTakeFirstOrThrow();
  const elsewhere = [spent(randomUUID()), { bucket: 'other', share: 1, refused: 1 }];
  const near = [{ bucket: `cloud-key:${id}`, share: 0.8, refused: 0 }, ...elsewhere];
  t.context.facts = { ...wellFacts(stage), quotas: { refusedSince, near } };
  const [ofVault, ofAppliance] = [await status(t.context), await status(t.context, 'appliance')];
  t.context.facts = wellFacts(stage);
  t.like(ofVault.quotas, { near: 1, refused: 0, of: [{ kind: 'cloud-key', usedPercent: 80, refused: 0 }] });
  t.deepEqual(ofAppliance.quotas, { near: 1, refused: 0, refusedSince });
  t.regex(linesOf(ofVault, {}).join('\n'), /quotas +1 nearly or wholly used up$/m);
});

test.serial(
  'whose a CloudKey is, is found by every name of it, and asking is on record where it was found',
  async (t) => {
    const { vaultContext, act, vaultId } = t.context.stage;
    const { db } = vaultContext.store;
    const [key] = await db.selectFrom('cloud_keys').selectAll().execute();
    const [kmsKey] = await db.selectFrom('kms_keys').selectAll().execute();
    if (key === undefined || kmsKey === undefined) throw new Error('there is none');
    const [arn, alias] = [kmsKey.key_arn, kmsKey.alias];
    const aliasArn = arn.replace(/key\/.*/, alias);
    const names = [
      key.id,
      key.name,
      key.external_key_id,
      kmsKey.key_id,
      arn,
      alias,
      alias.slice(6),
      aliasArn,
    ];
    const known = { id: key.id, name: key.name, vaultId, keySetId: key.key_set_id, keySetName: 'payments' };
    for (const called of names) {
      const [found, ...others] = await lookUpCloudKeys(vaultContext, act(), called);
      t.like(found, { ...known, state: 'AVAILABLE', effectiveState: 'AVAILABLE', frozenSince: null }, called);
      t.is(others.length, 0);
    }
    await freezeVault(vaultContext, act(), { vaultId }, 'vault');
    t.like((await lookUpCloudKeys(vaultContext, act(), arn))[0], {
      state: 'AVAILABLE',
      effectiveState: 'FROZEN',
    });
    await thawVault(vaultContext, act(), { vaultId }, 'vault');
    for (const part of [key.name.slice(0, -1), '%', arn.slice(0, -1)])
      t.deepEqual(await lookUpCloudKeys(vaultContext, act(), part), [], 'nothing by a part of a name');
    const asked = await db
      .selectFrom('audit_events')
      .select(['vault_id', 'target_name', 'after'])
      .where('action', '=', 'cloud-key.look-up')
      .orderBy('sequence')
      .execute();
    t.is(asked.filter(({ vault_id }) => vault_id === vaultId).length, names.length + 1);
    t.is(asked.filter(({ vault_id }) => vault_id === '').length, names.length + 4);
    t.deepEqual(asked.at(-1), { vault_id: '', target_name: arn.slice(0, -1), after: '{"found":0}' });
  },
);

test.serial('a token without a host that serves is down, whoever can be asked', async (t) => {
  t.context.facts = undefined;
  const limits = { sickAfter: 1_000, killAfter: 1_000, queueLength: 1, healthInterval: 60_000 };
  const pool = new TokenPool('token', 1, () => undefined, limits);
  const told = await status(t.context, 'appliance', { tokens: new TokenPools([pool]) });
  pool.close();
  t.context.facts = wellFacts(t.context.stage);
  t.deepEqual(troublesOf(told), ['TOKEN_DOWN', 'SUPERVISOR_SILENT']);
  t.like(told.tokens[0], { health: 'UNAVAILABLE', hosts: null, pinRefused: false });
});

test('of an HSM group a member that refuses its PIN and one that is away are told apart', (t) => {
  const members = [
    member('a', { up: 0, pinRefused: true }),
    member('b', { up: 0, failure: { problem: 'C_Initialize: CKR_GENERAL_ERROR', remediation: '' } }),
    member('c'),
  ];
  const told = (up: number, problem: string, group: readonly MemberFacts[]) => {
    const known = wellFacts(t.context.stage, {
      hosts: 9,
      up,
      pinRefused: true,
      problem,
      members: [...group],
    });
    return tokenFindings([tokenStatus('token', 'DEGRADED', known)], known, true).map(
      ({ trouble, message }) => `${trouble}: ${message}`,
    );
  };
  const refused =
    'PIN_REFUSED: token token: member a (serial 0a1a) has refused its PIN; it is not tried again, since tokens lock themselves';
  t.deepEqual(told(3, 'C_Initialize: CKR_GENERAL_ERROR', members), [
    refused,
    'TOKEN_DEGRADED: token token: 3 of 9 token hosts serve, none of member b (serial 0a1b): C_Initialize: CKR_GENERAL_ERROR',
  ]);
  // The PIN was refused last, and one host of another member hangs.
  const [a, , c] = members as [MemberFacts, MemberFacts, MemberFacts];
  t.deepEqual(told(5, 'C_Login: CKR_PIN_INCORRECT', [a, member('b', { up: 2 }), c]), [
    refused,
    'TOKEN_DEGRADED: token token: 5 of 9 token hosts serve, 2 of 3 of member b (serial 0a1b)',
  ]);
});

test.serial('of IVs that are drawn at random nothing is told, however many HSMs have the keys', async (t) => {
  const undo = await conditions.find(({ trouble }) => trouble === 'TOKEN_IVS_MAY_REPEAT')?.make(t.context);
  const random = { ...counting, drawsIvs: true };
  const told = await status(t.context, 'appliance', { tokenFacts: [random] });
  await undo?.();
  t.deepEqual(told.findings, []);
});

test.serial('what is of another admin group is not told', async (t) => {
  const undos = [];
  for (const { make, trouble } of conditions)
    if (!isOfAppliance(trouble) && trouble !== 'VAULT_FROZEN') undos.push(await make(t.context));
  const told = await status(t.context, [t.context.stage.group]);
  t.deepEqual(told.findings, []);
  t.deepEqual([told.keySets.total, told.cloudKeys], [0, {}]);
  for (const undo of undos.toReversed()) await undo();
});

test.serial('with everything wrong the screen is 80 wide, and begins with what stops most', async (t) => {
  const undos = [];
  for (const { make, name } of conditions)
    if (!/degraded|PIN|expired|schema/.test(name)) undos.push(await make(t.context));
  const told = await until(t.context, 'appliance', (found) => found.includes('KMS_KEY_DRIFT'));
  for (const undo of undos.toReversed()) await undo();
  t.true(told.findings.length >= 9, troublesOf(told).join());
  const lines = linesOf(told, {});
  t.regex(lines[0] ?? '', /^\d+ things need attention$/);
  t.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  t.true(lines.length <= 54, lines.join('\n'));
  t.regex(lines[1] ?? '', /^- the TLS certificate/);
});

async function found(context: Context, trouble: Trouble, who: 'appliance' | Sight = 'all') {
  const told = await until(context, who, (troubles) => troubles.includes(trouble));
  const finding = told.findings.find((one) => one.trouble === trouble);
  if (finding === undefined) throw new Error(`there is no finding ${trouble}`);
  return { ...finding, ok: told.ok, screen: linesOf(told, {}), exitCode: exitCodeOf(told) };
}

const note = 'kept frozen for the auditors';

async function acknowledge(context: Context, trouble: Trouble, who: 'appliance' | Sight = 'all') {
  const { fingerprint } = await found(context, trouble, who);
  const operation = who === 'appliance' ? 'acknowledgeFinding' : 'acknowledgeVaultFinding';
  return ask(context, operation, who, { fingerprint, note });
}

async function eventsOf({ stage }: Context, action: string) {
  return stage.vaultContext.store.db
    .selectFrom('audit_events')
    .select(['vault_id', 'actor_name', 'target_id', 'target_name', 'before', 'after'])
    .where('action', '=', action)
    .orderBy('sequence')
    .execute();
}

async function freeze({ stage }: Context, id: string): Promise<() => Promise<unknown>> {
  const { vaultContext, act, vaultId } = stage;
  const of = { vaultId, sight: 'all', id } as const;
  await freezeKeySet(vaultContext, act(), of);
  return async () => thawKeySet(vaultContext, act(), of);
}

test.serial(
  'a finding that is acknowledged stays, with who and why, and needs nobody until there is more of it',
  async (t) => {
    const { stage, set } = t.context;
    t.deepEqual(troublesOf(await until(t.context, 'all', [])), []);
    const thaw = await freeze(t.context, set.keySet.id);
    t.deepEqual((await found(t.context, 'KEY_SET_FROZEN')).acknowledgements, []);
    await acknowledge(t.context, 'KEY_SET_FROZEN');
    const known = await found(t.context, 'KEY_SET_FROZEN');
    t.like(known.acknowledgements[0], { by: stage.act().actor.name, note, until: null });
    t.true(known.ok);
    t.is(known.exitCode, 0);
    t.is(known.screen[0], 'nothing needs attention');
    t.regex(
      known.screen.join(' ').replaceAll(/ +/g, ' '),
      /✓ 1 key set frozen: payments; acknowledged by .*auditors/,
    );
    t.false((await found(t.context, 'KEY_SET_FROZEN', 'appliance')).ok, 'the appliance judges for itself');
    const [event] = await eventsOf(t.context, 'finding.acknowledge');
    t.like(event, { vault_id: stage.vaultId, target_id: 'KEY_SET_FROZEN' });
    t.regex(event?.after ?? '', /"things":1.*kept frozen for the auditors/);

    const other = await newKeySetInAws(stage, { name: 'more' });
    const thawOther = await freeze(t.context, other.keySet.id);
    t.like(await found(t.context, 'KEY_SET_FROZEN'), { ok: false, acknowledgements: [] }, 'one more');
    await thawOther();
    t.true((await found(t.context, 'KEY_SET_FROZEN')).ok, 'what was judged is judged');

    const ended = new EndedAcknowledgements(servicesOf(t.context), 0);
    t.is(await ended.look(stage.vaultContext), 0);
    await thaw();
    t.is(await ended.look(stage.vaultContext), 1);
    t.like((await eventsOf(t.context, 'finding.end-acknowledgement'))[0], {
      ...{ vault_id: stage.vaultId, actor_name: 'schedule', target_id: 'KEY_SET_FROZEN' },
      after: '{"because":"it is no more as it was acknowledged"}',
    });
    const thawAgain = await freeze(t.context, set.keySet.id);
    t.like(await found(t.context, 'KEY_SET_FROZEN'), { ok: false, acknowledgements: [] }, 'it is back');
    await thawAgain();
  },
);

test.serial('what was frozen again is another matter, though nobody looked in between', async (t) => {
  const { set } = t.context;
  await (
    await freeze(t.context, set.keySet.id)
  )();
  const thaw = await freeze(t.context, set.keySet.id);
  await acknowledge(t.context, 'KEY_SET_FROZEN');
  const { fingerprint } = await found(t.context, 'KEY_SET_FROZEN');
  await thaw();
  const thawAgain = await freeze(t.context, set.keySet.id);
  t.false((await found(t.context, 'KEY_SET_FROZEN')).ok);
  // Nor is what somebody has seen before that.
  await t.throwsAsync(async () => ask(t.context, 'acknowledgeVaultFinding', 'all', { fingerprint, note }), {
    message: /it has changed, or is over/,
  });
  await thawAgain();
  t.is(await new EndedAcknowledgements(servicesOf(t.context), 0).look(t.context.stage.vaultContext), 1);
});

test.serial(
  'a credential that ends sooner, or a rotation due since another time, is another matter',
  async (t) => {
    const { vaultContext } = t.context.stage;
    const { db } = vaultContext.store;
    const after = (ms: number) => new Date(vaultContext.now().getTime() + ms).toISOString();
    const expire = async (expires_at: string | null) =>
      db.updateTable('xks_credentials').set({ expires_at }).execute();
    const due = async (next_rotation_at: string | null) =>
      db.updateTable('cloud_keys').set({ next_rotation_at }).execute();
    for (const [trouble, set, values] of [
      ['CREDENTIAL_ENDS', expire, [after(13 * day), after(day / 24)]],
      ['ROTATION_OVERDUE', due, [after(-2 * day), after(-300 * day)]],
    ] as const) {
      await set(values[0]);
      await acknowledge(t.context, trouble);
      t.true((await found(t.context, trouble)).ok);
      await set(values[1]);
      t.like(await found(t.context, trouble), { ok: false, acknowledgements: [] }, trouble);
      await set(null);
    }
    t.is(await new EndedAcknowledgements(servicesOf(t.context), 0).look(vaultContext), 2);
  },
);

test.serial('vaults beyond those that are told are counted, and nobody can have judged them', async (t) => {
  const { store } = t.context.stage.vaultContext;
  const [vault, keySet] = [
    await store.db.selectFrom('vaults').selectAll().executeTakeFirstOrThrow(),
    await store.db.selectFrom('key_sets').selectAll().executeTakeFirstOrThrow(),
  ];
  const frozen_at = '2026-01-01T00:00:00.000Z';
  const ids = Array.from({ length: 22 }, () => randomUUID());
  for (const id of ids) {
    await store.db
      .insertInto('vaults')
      .values({ ...vault, id, name: `v-${id}` })
      .execute();
    await store.db
      .insertInto('key_sets')
      .values({ ...keySet, id, vault_id: id, path_prefix: id, frozen_at })
      .execute();
  }
  const told = await status(t.context, 'appliance');
  for (const { fingerprint } of told.findings.filter((one) => one.fingerprint !== null))
    await ask(t.context, 'acknowledgeFinding', 'appliance', { fingerprint, note });
  const judged = await status(t.context, 'appliance');
  await store.db.deleteFrom('key_sets').where('id', 'in', ids).execute();
  await store.db.deleteFrom('vaults').where('id', 'in', ids).execute();
  await store.db.deleteFrom('acknowledgements').execute();
  t.is(judged.findings.length, 21);
  t.false(judged.ok);
  t.like(judged.findings.at(-1), { where: 'more vaults', fingerprint: null, acknowledgements: [], on: [] });
  t.regex(judged.findings.at(-1)?.message ?? '', /^KEY_SET_FROZEN in 2 more vaults;/);
});

test.serial('what is wrong with the node that is asked is on that node', async (t) => {
  const { stage } = t.context;
  const { store, instance, now } = stage.vaultContext;
  const at = now().toISOString();
  const node = { id: nodeOf(instance), hostname: 'here', version: '1', started_at: at, last_seen_at: at };
  await store.db.insertInto('nodes').values(node).execute();
  t.context.disk = { ...roomy, free: 200 * 1024 ** 2 };
  const certificates = [ending(now(), 9.5)];
  t.context.facts = { ...wellFacts(stage), certificates };
  const told = await status(t.context, 'appliance');
  t.context.facts = undefined;
  const silent = await status(t.context, 'appliance');
  [t.context.facts, t.context.disk] = [wellFacts(stage), roomy];
  await store.db.deleteFrom('nodes').execute();
  t.deepEqual(troublesOf(told), ['CERTIFICATE_ENDS', 'DISK_NEARLY_FULL']);
  t.true(troublesOf(silent).includes('SUPERVISOR_SILENT'));
  const ofNode = [...told.findings, ...silent.findings.filter(({ where }) => where === 'node')];
  for (const { on } of ofNode) t.deepEqual(on, [{ kind: 'node', id: node.id, name: 'here' }]);
});

test.serial('of more than a hundred it is told on which the first are, and how many more', async (t) => {
  const { store } = t.context.stage.vaultContext;
  const keySet = await store.db.selectFrom('key_sets').selectAll().executeTakeFirstOrThrow();
  const frozen_at = '2026-01-01T00:00:00.000Z';
  const ids = Array.from({ length: 104 }, () => randomUUID());
  for (const id of ids)
    await store.db
      .insertInto('key_sets')
      .values({ ...keySet, id, name: `s-${id}`, path_prefix: id, frozen_at })
      .execute();
  const told = await status(t.context);
  await store.db.deleteFrom('key_sets').where('id', 'in', ids).execute();
  const [finding] = told.findings;
  t.is(finding?.onMore, 4);
  t.deepEqual(
    finding?.on.map(({ id }) => id),
    ids.toSorted().slice(0, 100),
  );
  t.regex(finding?.message ?? '', /^104 key sets frozen: .*, and 99 more$/);
  t.is(finding?.fingerprint, null);
});

test.serial('an acknowledgement ends at its time, or when somebody withdraws it', async (t) => {
  const { stage, set } = t.context;
  const { db } = stage.vaultContext.store;
  const thaw = await freeze(t.context, set.keySet.id);
  const { fingerprint } = await found(t.context, 'KEY_SET_FROZEN');
  const [past, soon] = [-day, day].map((ms) =>
    new Date(stage.vaultContext.now().getTime() + ms).toISOString(),
  );
  const judge = async (input: object) =>
    ask(t.context, 'acknowledgeVaultFinding', 'all', { fingerprint, note, ...input });
  await t.throwsAsync(async () => judge({ until: past }), { message: /over already/ });
  await t.throwsAsync(async () => judge({ note: ' ' }), { message: /the note is empty/ });
  await judge({ until: soon });
  t.is((await found(t.context, 'KEY_SET_FROZEN')).acknowledgements[0]?.until, soon);
  await db
    .updateTable('acknowledgements')
    .set({ until: past ?? '' })
    .execute();
  t.false((await found(t.context, 'KEY_SET_FROZEN')).ok);
  t.is(await new EndedAcknowledgements(servicesOf(t.context), 0).look(stage.vaultContext), 1);
  t.is(
    (await eventsOf(t.context, 'finding.end-acknowledgement')).at(-1)?.after,
    '{"because":"its time is over"}',
  );

  await judge({});
  await ask(t.context, 'withdrawVaultAcknowledgement', 'all', { fingerprint });
  t.false((await found(t.context, 'KEY_SET_FROZEN')).ok);
  t.is((await eventsOf(t.context, 'finding.withdraw-acknowledgement')).length, 1);
  await thaw();
});

test.serial(
  'KMS keys that AWS has otherwise in another way than was judged need attention again',
  async (t) => {
    const { stage, set, kmsKeyRecord } = t.context;
    const kms = await kmsOf(stage, set);
    const look = async () => {
      stage.simulator.settle();
      await refreshKmsKey(stage.vaultContext, kmsKeyRecord.id);
    };
    await kms.disable(kmsKeyRecord.key_id);
    await look();
    await acknowledge(t.context, 'KMS_KEY_DRIFT');
    t.true((await found(t.context, 'KMS_KEY_DRIFT')).ok);
    const { db } = stage.vaultContext.store;
    const { description } = await db.selectFrom('kms_keys').select('description').executeTakeFirstOrThrow();
    await db.updateTable('kms_keys').set({ description: 'ours is another by now' }).execute();
    for (let tries = 0; tries < 100 && (await found(t.context, 'KMS_KEY_DRIFT')).ok; tries++)
      await new Promise((resolve) => {
        setTimeout(resolve, 100);
      });
    t.false((await found(t.context, 'KMS_KEY_DRIFT')).ok);
    await db.updateTable('kms_keys').set({ description }).execute();
    await kms.enable(kmsKeyRecord.key_id);
    await look();
    t.deepEqual(troublesOf(await until(t.context, 'all', [])), []);
  },
);

test.serial('what is a danger now cannot be acknowledged', async (t) => {
  for (const { trouble, make } of conditions.filter((one) => !acknowledgeable[one.trouble])) {
    const undo = await make(t.context);
    const { fingerprint } = await found(t.context, trouble, 'appliance');
    await undo();
    t.is(fingerprint, null, trouble);
  }
  const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  const told = /^Acknowledged can be ([^.]*)\./m.exec(runbook)?.[1] ?? '';
  t.deepEqual(
    [...told.matchAll(/`(\w+)`/g)].map(([, trouble = '']) => trouble).toSorted(),
    Object.entries(acknowledgeable)
      .filter(([, can]) => can)
      .map(([trouble]) => trouble)
      .toSorted(),
  );
});
