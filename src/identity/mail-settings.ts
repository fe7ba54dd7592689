import type { SeenVersion } from '../store/act-transaction.ts';
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { z } from 'zod';
import { record, type Act } from '../evidence/trail.ts';
import type { Secret } from '../secret.ts';
import type { SealContext } from '../token/seal-context.ts';
import { bumpRecord, noteOn } from '../vault/edit-record.ts';
import { checkRowVersion, checkUnchanged, type VaultContext } from '../vault/context.ts';
import { VaultError } from '../vault/vault-error.ts';
import { isOfBefore, partOfCa, reseal, seal, unseal, type Sealed } from '../vault/sealing.ts';
import { parseEmail } from './user-forms.ts';

const storedForm = z.object({
  host: z.string(),
  port: z.number(),
  security: z.enum(['tls', 'starttls', 'none']),
  username: z.string().nullable(),
  from: z.string(),
  caCertificates: z.string().nullable(),
});

/** How mail leaves. */
export type MailSettings = z.infer<typeof storedForm>;

export interface StoredMailSettings {
  settings: MailSettings;
  /** The password, where there is one. */
  sealed: Sealed | undefined;
  rowVersion: number;
  updatedAt: string;
}

const settingName = 'mail';
const target = { kind: 'mail', id: settingName, name: settingName };

/** Undefined where no mail is set up. */
export async function readMailSettings({
  store,
}: {
  store: Pick<VaultContext['store'], 'db'>;
}): Promise<StoredMailSettings | undefined> {
  const row = await store.db
    .selectFrom('settings')
    .selectAll()
    .where('name', '=', settingName)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const settings = storedForm.parse(JSON.parse(row.value));
  return {
    settings,
    sealed:
      row.sealed === null || row.sealed_token === null
        ? undefined
        : { context: passwordContext(settings), sealed: row.sealed, token: row.sealed_token },
    rowVersion: row.row_version,
    updatedAt: row.updated_at,
  };
}

/** The password for the mail server. Throws TokenError: `seal-broken` where the settings were changed past Holdfast. */
export async function mailPassword(context: VaultContext, sealed: Sealed): Promise<Secret> {
  const password = await unseal(context, sealed);
  if (isOfBefore(sealed)) {
    const anew = await reseal(context, sealed);
    await context.store.bookkeep('sealed anew', async (trx) =>
      noteOn(trx, 'settings')
        .set({ sealed: anew })
        .where('name', '=', settingName)
        .where('sealed', '=', Buffer.from(sealed.sealed))
        .execute(),
    );
  }
  return password;
}

/**
 * Puts the mail settings. Without `password` the one that is there stays, but only where it still goes to the same
 * server in the same way. Throws VaultError.
 */
export async function putMailSettings(
  context: VaultContext,
  act: Act,
  input: MailSettings & { password?: Secret | undefined },
  expected: SeenVersion | undefined,
): Promise<StoredMailSettings> {
  const { password, ...settings } = input;
  checkSettings(settings, password);
  const before = await readMailSettings(context);
  checkRowVersion({ row_version: before?.rowVersion ?? 0 }, expected);
  let kept = before?.sealed;
  if (password !== undefined) {
    const sealContext = passwordContext(settings);
    kept = { context: sealContext, ...(await seal(context, sealContext, password)) };
  } else if (settings.username === null) kept = undefined;
  else if (before === undefined || kept === undefined || !goesTheSameWay(before.settings, settings))
    throw new VaultError(
      'invalid',
      'a username requires a password',
      'provide the password again when host, port, security, username or CA certificates change',
    );
  const row = {
    value: JSON.stringify(settings),
    sealed: kept === undefined ? null : Buffer.from(kept.sealed),
    sealed_token: kept?.token ?? null,
  };
  await context.store.write(act, async (trx) => {
    const current = await trx
      .selectFrom('settings')
      .select(['name', 'row_version'])
      .where('name', '=', settingName)
      .executeTakeFirst();
    // Between reading and here nothing may have changed, or a kept password might not be the one of these settings.
    checkUnchanged(current ?? { row_version: 0 }, { row_version: before?.rowVersion ?? 0 });
    checkRowVersion(current ?? { row_version: 0 }, expected);
    if (current !== undefined) await bumpRecord(trx, 'settings', current, row);
    else
      await trx
        .insertInto('settings')
        .values({ name: settingName, ...row, updated_at: trx.at.toISOString() })
        .execute();
    await record(trx, act, {
      action: 'mail.update',
      vaultId: '',
      target,
      ...(before === undefined ? {} : { before: { ...before.settings } }),
      after: { ...settings, ...(password === undefined ? {} : { password: 'a new one' }) },
    });
  });
  const stored = await readMailSettings(context);
  if (stored === undefined) throw new VaultError('conflict', 'the mail settings were deleted meanwhile');
  return stored;
}

/** Throws VaultError `not-found`. */
export async function deleteMailSettings(
  context: VaultContext,
  act: Act,
  expected: SeenVersion | undefined,
): Promise<void> {
  await context.store.write(act, async (trx) => {
    const row = await trx
      .deleteFrom('settings')
      .where('name', '=', settingName)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new VaultError('not-found', 'no mail server is set up');
    checkRowVersion(row, expected);
    await record(trx, act, {
      action: 'mail.delete',
      vaultId: '',
      target,
      before: storedForm.parse(JSON.parse(row.value)),
    });
  });
}

function checkSettings(settings: MailSettings, password: Secret | undefined): void {
  parseEmail(settings.from);
  if (isIP(settings.host) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(settings.host))
    throw new VaultError('invalid', 'the host of the mail server is a DNS name or an IP address');
  if (!Number.isInteger(settings.port) || settings.port < 1 || settings.port > 65_535)
    throw new VaultError('invalid', 'the port of the mail server is 1 to 65535');
  if (settings.security === 'none' && !isLoopback(settings.host))
    throw new VaultError(
      'invalid',
      'mail carries passwords: without TLS it is sent only to this machine itself',
      'use "starttls" (port 587) or "tls" (port 465)',
    );
  if (settings.username === null && password !== undefined)
    throw new VaultError('invalid', 'a password requires a username');
  if (settings.username !== null && !/^[^\p{Cc}]{1,254}$/u.test(settings.username))
    throw new VaultError(
      'invalid',
      'the username for the mail server must have 1 to 254 printable characters',
    );
  if (settings.caCertificates !== null && !isCertificateBundle(settings.caCertificates))
    throw new VaultError('invalid', 'the CA certificates are not certificates in PEM form');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

export function isCertificateBundle(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length > 0 && blocks.every((block) => new X509Certificate(block).subject !== '');
  } catch {
    return false;
  }
}

function goesTheSameWay(one: MailSettings, other: MailSettings): boolean {
  return (['host', 'port', 'security', 'username', 'caCertificates'] as const).every(
    (field) => one[field] === other[field],
  );
}

/** Bound to where it goes and to who vouches for it: the store's file, changed by hand, cannot send the password to another server. */
function passwordContext({ host, port, security, username, caCertificates }: MailSettings): SealContext {
  return {
    purpose: 'mail-password',
    parts: [host, String(port), security, username ?? '', partOfCa(caCertificates)],
    former: `holdfast mail password of ${username ?? ''} at ${host}:${port} by ${security}`,
  };
}
