import { z } from 'zod';
import { time, vaultId } from '../keys/key-forms.ts';
import { callerOf, route, type Access, type Call, type Route } from '../route.ts';
import { acknowledge, withdrawAcknowledgement } from './acknowledgements.ts';
import { showFinding, shownFinding } from './shown-finding.ts';
import { findingsOf } from './status.ts';

const fingerprint = z
  .string()
  .max(64)
  .describe('Of the finding, as the status has it. One that has changed since is refused.');
const acknowledging = z.strictObject({
  fingerprint,
  note: z
    .string()
    .max(300)
    .describe('Why nothing has to be done; shown to everyone who sees the finding, and in the audit trail.'),
  until: time
    .nullable()
    .optional()
    .describe('When it ends at the latest; null for once the finding changes.'),
});
const withdrawing = z.strictObject({ fingerprint });
const inVault = z.strictObject({ vaultId });
const answer = shownFinding.meta({ id: 'StatusFinding' });

const description =
  'A finding that somebody has seen and judged stays in the status, with who, when and why, and no longer counts as needing ' +
  'attention. It does again as soon as it gets worse: there is one more of what it is about, or one of them is otherwise than it ' +
  'was. What has gone and comes back is new. A vault and the appliance each judge for themselves.';
const descriptionOfWithdrawal = 'The finding needs attention again. Safe to repeat.';

const ofAppliance = { kind: 'permission', appliance: 'appliance.write' } as const satisfies Access;
const ofVault = { kind: 'permission', vault: 'findings.acknowledge' } as const satisfies Access;

export const acknowledgementRoutes: readonly Route[] = [
  route({
    operation: 'acknowledgeFinding',
    method: 'POST',
    path: '/status/acknowledge',
    tag: 'Status',
    summary: 'Acknowledge a finding of the appliance',
    description,
    access: ofAppliance,
    body: acknowledging,
    answer,
    problems: ['conflict'],
    handle: take,
  }),
  route({
    operation: 'withdrawAcknowledgement',
    method: 'POST',
    path: '/status/withdraw-acknowledgement',
    tag: 'Status',
    summary: 'Withdraw an acknowledgement of the appliance',
    description: descriptionOfWithdrawal,
    access: ofAppliance,
    body: withdrawing,
    answer,
    problems: ['conflict'],
    handle: withdraw,
  }),
  route({
    operation: 'acknowledgeVaultFinding',
    method: 'POST',
    path: '/vaults/{vaultId}/status/acknowledge',
    tag: 'Status',
    summary: 'Acknowledge a finding of a vault',
    description,
    access: ofVault,
    params: inVault,
    body: acknowledging,
    answer,
    problems: ['conflict'],
    handle: take,
  }),
  route({
    operation: 'withdrawVaultAcknowledgement',
    method: 'POST',
    path: '/vaults/{vaultId}/status/withdraw-acknowledgement',
    tag: 'Status',
    summary: 'Withdraw an acknowledgement of a vault',
    description: descriptionOfWithdrawal,
    access: ofVault,
    params: inVault,
    body: withdrawing,
    answer,
    problems: ['conflict'],
    handle: withdraw,
  }),
];

type In<B> = Call<z.output<typeof inVault> | undefined, undefined, B>;

async function take(call: In<z.output<typeof acknowledging>>) {
  const { services, act, body } = call;
  const [vault, findings] = await seenBy(call);
  return { body: showFinding(await acknowledge(services, act, vault, findings, body)) };
}

async function withdraw(call: In<z.output<typeof withdrawing>>) {
  const { services, act, body } = call;
  const [vault, findings] = await seenBy(call);
  const finding = await withdrawAcknowledgement(services, act, vault, findings, body.fingerprint);
  return { body: showFinding(finding) };
}

/** What the caller sees now. */
async function seenBy(call: In<unknown>) {
  const { services, params } = call;
  const scope = params === undefined ? 'appliance' : { vaultId: params.vaultId, sight: callerOf(call).sight };
  return [params?.vaultId ?? '', await findingsOf(services, scope)] as const;
}
