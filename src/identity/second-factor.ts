import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { Secret as TotpSecret, TOTP } from 'otpauth';
import { record, type Act } from '../evidence/trail.ts';
import { Secret } from '../secret.ts';
import { leaveUnrecorded } from '../store/act-transaction.ts';
import { signsIn } from '../store/read-back.ts';
import type { Tables } from '../store/schema.ts';
import type { ActTransaction } from '../store/store.ts';
import type { SealContext } from '../token/seal-context.ts';
import { bumpRecord, noteOn } from '../vault/edit-record.ts';
import type { VaultContext } from '../vault/context.ts';
import { managementDeadline } from '../vault/tokens.ts';
import { VaultError } from '../vault/vault-error.ts';
import { confirmPassword, notConfirmed } from './confirmation.ts';
import { beginAttempt, takeBack } from './lockout.ts';
import { recordRefusal } from './refused-sign-ins.ts';
import { isOfBefore, reseal, seal, unseal, type Sealed } from '../vault/sealing.ts';
import { endSessionsOf, findSession, type UserRow } from './sessions.ts';
import { vaultNameOf } from './vault-of.ts';

/** RFC 6238 as every authenticator app has it: SHA-1, six digits, 30 seconds. */
const form = { algorithm: 'SHA1', digits: 6, period: 30 };
const recoveryCodes = 10;
const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A code that is right, until it is spent. */
export type RightCode =
  { kind: 'totp'; enrolment: string | null; step: number } | { kind: 'recovery-code'; hash: Buffer };

/** Whose session asks. */
export interface Own {
  userId: string;
  sessionId: string;
}

/**
 * Begins to set up a second factor. The secret is shown this once; at rest it is under the token's sealing key.
 * Throws VaultError `forbidden` for a wrong password, `conflict` where there is a second factor already.
 */
export async function enrolTotp(
  context: VaultContext,
  act: Act,
  own: Own,
  password: Secret,
): Promise<{ secret: Secret; otpauthUri: Secret }> {
  const { user } = await findSession(context, own.userId, own.sessionId);
  if (user.totp_state === 'ON')
    throw new VaultError('conflict', 'a second factor is already set up', 'remove it first');
  await confirmPassword(context, act, user, password);
  const secret = new TotpSecret({ size: 20 });
  const enrolment = randomUUID();
  const sealContext = totpContext({ id: user.id, totp_enrolment: enrolment });
  const { sealed, token } = await seal(context, sealContext, new Secret(secret.base32));
  const vaultName = await vaultNameOf(context, user.vault_id);
  const totp = new TOTP({
    ...form,
    secret,
    // Apps take a colon for the end of the issuer, encoded or not (Key URI Format, label).
    issuer: `Holdfast ${vaultName === '' ? 'appliance' : vaultName.replaceAll(':', ' ')}`,
    label: user.username,
  });
  await context.store.write(act, async (trx) => {
    const now = await readUser(trx, user.id);
    if (now?.totp_state === 'ON')
      throw new VaultError('conflict', 'a second factor is already set up', 'remove it first');
    await bumpRecord(trx, 'users', now, {
      totp_state: 'ENROLLING',
      totp_sealed: sealed,
      totp_token: token,
      totp_enrolment: enrolment,
      totp_last_step: 0,
    });
    await record(trx, act, { ...userEntry('user.enrol-totp', user), after: { enrolment } });
  });
  return { secret: new Secret(secret.base32), otpauthUri: new Secret(totp.toString()) };
}

/**
 * Turns the second factor on, once a code shows that the app has the secret. Ends the user's other sessions, which had
 * none. Answers the recovery codes, shown this once.
 */
export async function confirmTotp(
  context: VaultContext,
  act: Act,
  own: Own,
  code: string,
): Promise<Secret[]> {
  const { user } = await findSession(context, own.userId, own.sessionId);
  if (user.totp_state !== 'ENROLLING')
    throw new VaultError('conflict', 'no second factor is being set up', 'begin with POST /user/totp');
  // Counted: with a taken session an app that was never set up must be no place to guess, and then to lock the owner out.
  const attempt = await beginAttempt(context, user.id);
  const right = attempt === undefined ? undefined : await tryCode(context, user, code, attempt);
  if (attempt === undefined || right?.kind !== 'totp') {
    await recordRefusal(context, act, { action: 'user.confirm-totp', vaultId: user.vault_id, user });
    if (attempt === undefined) throw notConfirmed();
    throw new VaultError(
      'invalid',
      'the code is wrong',
      'check the clocks of both machines, or begin again with POST /user/totp',
    );
  }
  return context.store.write(act, async (trx) => {
    const now = await readUser(trx, user.id);
    if (now.totp_state !== 'ENROLLING' || now.totp_enrolment !== right.enrolment)
      throw new VaultError('conflict', 'the second factor was set up anew meanwhile');
    await bumpRecord(trx, 'users', now, { totp_state: 'ON', totp_last_step: right.step });
    await takeBack(trx, attempt);
    await endSessionsOf(trx, user.id, own.sessionId);
    await record(trx, act, userEntry('user.confirm-totp', user));
    return replaceRecoveryCodes(trx, user.id);
  });
}

/** Throws VaultError `forbidden` unless both are right. */
export async function removeOwnTotp(
  context: VaultContext,
  act: Act,
  own: Own,
  proof: { password: Secret; code: string },
): Promise<void> {
  const { user, enrolment } = await confirmBoth(context, act, own, proof);
  await context.store.write(act, async (trx) => {
    await clearTotp(trx, await stillEnrolled(trx, user.id, enrolment));
    await record(trx, act, userEntry('user.remove-totp', user));
  });
}

/** The old ones end. Throws VaultError `forbidden` unless both are right. */
export async function newRecoveryCodes(
  context: VaultContext,
  act: Act,
  own: Own,
  proof: { password: Secret; code: string },
): Promise<Secret[]> {
  const { user, enrolment } = await confirmBoth(context, act, own, proof);
  return context.store.write(act, async (trx) => {
    await stillEnrolled(trx, user.id, enrolment);
    const codes = await replaceRecoveryCodes(trx, user.id);
    await record(trx, act, userEntry('user.new-recovery-codes', user));
    return codes;
  });
}

/** Takes the second factor away, with its recovery codes. */
export async function clearTotp(trx: ActTransaction, user: UserRow): Promise<UserRow> {
  await trx.deleteFrom('recovery_codes').where('user_id', '=', user.id).execute();
  return bumpRecord(trx, 'users', user, {
    totp_state: 'NONE',
    totp_sealed: null,
    totp_token: null,
    totp_enrolment: null,
  });
}

async function readUser(trx: ActTransaction, id: string): Promise<UserRow> {
  return trx.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

/** What was proven is of one enrolment. Throws VaultError `conflict` where there is none, or another, by now. */
async function stillEnrolled(trx: ActTransaction, id: string, enrolment: string | null): Promise<UserRow> {
  const user = await readUser(trx, id);
  if (user.totp_state !== 'ON' || user.totp_enrolment !== enrolment)
    throw new VaultError('conflict', 'the second factor was changed meanwhile', 'try again');
  return user;
}

/**
 * Whether a text is a code that the user's app shows now, a step before or after, or one of the recovery codes, which
 * need no token and so open the door also while it is away. Throws TokenError.
 */
export async function readCode(
  context: VaultContext,
  user: UserRow,
  text: string,
): Promise<RightCode | undefined> {
  const code = text.replaceAll(/[\s-]/g, '').toUpperCase();
  if (/^[A-Z2-7]{20}$/.test(code)) {
    const hash = createHash('sha256').update(code).digest();
    const found = await context.store.db
      .selectFrom('recovery_codes')
      .select('hash')
      .where('user_id', '=', user.id)
      .where('hash', '=', hash)
      .where('used_at', 'is', null)
      .executeTakeFirst();
    return found === undefined ? undefined : { kind: 'recovery-code', hash };
  }
  if (!/^\d{6}$/.test(code) || user.totp_sealed === null || user.totp_token === null) return undefined;
  const { enrolment, secret } = await openTotp(context, user, {
    context: totpContext(user),
    sealed: user.totp_sealed,
    token: user.totp_token,
  });
  const timestamp = context.now().getTime();
  const totp = new TOTP({ ...form, secret: TotpSecret.fromBase32(secret.reveal()) });
  const delta = totp.validate({ token: code, timestamp, window: 1 });
  return delta === null ? undefined : { kind: 'totp', enrolment, step: totp.counter({ timestamp }) + delta };
}

/** The secret, with the enrolment that it is of. One of before is bound to an enrolment of its own from now on. */
async function openTotp(
  context: VaultContext,
  user: UserRow,
  kept: Sealed,
): Promise<{ enrolment: string | null; secret: Secret }> {
  const secret = await unseal(context, kept, managementDeadline());
  if (user.totp_enrolment !== null || !isOfBefore(kept)) return { enrolment: user.totp_enrolment, secret };
  const enrolment = randomUUID();
  const { parts } = totpContext({ id: user.id, totp_enrolment: enrolment });
  const anew = await reseal(context, { ...kept, context: { ...kept.context, parts } });
  const bound = await context.store.bookkeep('sealed anew', async (trx) => {
    signsIn(trx);
    return noteOn(trx, 'users')
      .set({ totp_sealed: anew, totp_enrolment: enrolment })
      .where('id', '=', user.id)
      .where('totp_sealed', '=', Buffer.from(kept.sealed))
      .where('totp_enrolment', 'is', null)
      .executeTakeFirst();
  });
  if (bound.numUpdatedRows === 0n)
    throw new VaultError('conflict', 'the second factor was changed meanwhile', 'try again');
  return { enrolment, secret };
}

/** Uses a right code up: false where somebody else has done so (RFC 6238, 5.2: each code once). */
export async function spendCode(
  trx: Transaction<Tables>,
  context: VaultContext,
  userId: string,
  code: RightCode,
): Promise<boolean> {
  const spent =
    code.kind === 'totp'
      ? await noteOn(trx, 'users')
          .set({ totp_last_step: code.step })
          .where('id', '=', userId)
          .where('totp_state', '=', 'ON')
          // Of the enrolment that the code was compared with, whose steps only rise.
          .where('totp_enrolment', 'is', code.enrolment)
          .where('totp_last_step', '<', code.step)
          .executeTakeFirst()
      : await trx
          .updateTable('recovery_codes')
          .set({ used_at: context.now().toISOString() })
          .where('user_id', '=', userId)
          .where('hash', '=', code.hash)
          .where('used_at', 'is', null)
          .executeTakeFirst();
  return spent.numUpdatedRows === 1n;
}

async function confirmBoth(
  context: VaultContext,
  act: Act,
  own: Own,
  { password, code }: { password: Secret; code: string },
): Promise<{ user: UserRow; enrolment: string | null }> {
  const { user } = await findSession(context, own.userId, own.sessionId);
  if (user.totp_state !== 'ON') throw new VaultError('conflict', 'there is no second factor');
  await confirmPassword(context, act, user, password);
  const attempt = await beginAttempt(context, user.id);
  if (attempt === undefined) throw notConfirmed();
  const right = await tryCode(context, user, code, attempt);
  const spent =
    right !== undefined &&
    (await context.store.write(act, async (trx) => {
      leaveUnrecorded(trx, 'attempt');
      if (!(await spendCode(trx, context, user.id, right))) return false;
      await takeBack(trx, attempt);
      return true;
    }));
  if (spent) return { user, enrolment: right.kind === 'totp' ? right.enrolment : user.totp_enrolment };
  await recordRefusal(context, act, { action: 'session.confirm-password', vaultId: user.vault_id, user });
  throw notConfirmed();
}

/** {@link readCode} within an attempt that is not counted where the token cannot tell. */
export async function tryCode(
  context: VaultContext,
  user: UserRow,
  code: string,
  attempt: { userId: string; failures: number },
): Promise<RightCode | undefined> {
  try {
    return await readCode(context, user, code);
  } catch (error) {
    await context.store.bookkeep('attempt', async (trx) => takeBack(trx, attempt));
    throw error;
  }
}

/** Ten codes of 100 bits, as four groups of five letters and digits. */
async function replaceRecoveryCodes(trx: Transaction<Tables>, userId: string): Promise<Secret[]> {
  await trx.deleteFrom('recovery_codes').where('user_id', '=', userId).execute();
  const codes = Array.from({ length: recoveryCodes }, () =>
    [...randomBytes(20)].map((byte) => base32[byte & 31]).join(''),
  );
  await trx
    .insertInto('recovery_codes')
    .values(
      codes.map((code) => ({
        user_id: userId,
        hash: createHash('sha256').update(code).digest(),
        used_at: null,
      })),
    )
    .execute();
  return codes.map((code) => new Secret(code.match(/.{5}/g)?.join('-') ?? code));
}

/** Of a user and one enrolment of theirs: what the app before had is not put back by putting back the sealed secret. */
export function totpContext({ id, totp_enrolment }: Pick<UserRow, 'id' | 'totp_enrolment'>): SealContext {
  return {
    purpose: 'totp-secret',
    parts: totp_enrolment === null ? [id] : [id, totp_enrolment],
    former: totp_enrolment === null ? `holdfast totp secret of user ${id}` : '',
  };
}

function userEntry(action: string, user: UserRow) {
  return { action, vaultId: user.vault_id, target: { kind: 'user', id: user.id, name: user.username } };
}
