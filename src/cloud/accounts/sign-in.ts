import { createHash } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { AwsAccess, AwsClients } from '../aws/clients.ts';
import { homeRegion } from '../aws/partitions.ts';
import type { Secret } from '../../secret.ts';
import type { CspAccessKeyTable, CspAccountTable } from '../../store/schema.ts';
import type { SealContext } from '../../token/seal-context.ts';
import type { Reading } from '../../vault/edits.ts';
import type { ReadingContext, VaultContext } from '../../vault/context.ts';
import { unseal } from '../../vault/sealing.ts';
import { VaultError } from '../../vault/vault-error.ts';

export type CspAccount = Selectable<CspAccountTable>;
export type CspAccessKey = Selectable<CspAccessKeyTable>;

/** What of a CSP account says how it signs in. */
export type CspAccessFields = Pick<
  CspAccount,
  | 'id'
  | 'vault_id'
  | 'name'
  | 'type'
  | 'partition'
  | 'fips'
  | 'default_region'
  | 'role_arn'
  | 'external_id'
  | 'check_report'
>;

/** An access key in the open. */
export interface OpenKey {
  accessKeyId: string;
  secret: Secret;
}

/** How AWS is called for the account, with this access key where it has one. Throws VaultError for manual accounts. */
export function accessOf(
  account: Omit<CspAccessFields, 'check_report'>,
  key: OpenKey | undefined,
  accountKey: string,
  region = '',
): AwsAccess {
  const common = {
    accountKey,
    partition: account.partition,
    region: regionOf(account, region),
    defaultRegion: regionOf(account),
    fips: account.fips === 1,
  };
  switch (account.type) {
    case 'manual':
      throw manualProblem();
    case 'ambient':
      return { ...common, kind: 'ambient' };
    case 'role':
      return {
        ...common,
        kind: 'role',
        roleArn: account.role_arn,
        externalId: account.external_id,
        sessionName: sessionName(account.name),
        ...(key === undefined ? {} : { base: key }),
      };
    case 'access-key':
      if (key === undefined)
        throw new VaultError(
          'conflict',
          'the CSP account has no access key',
          'give it one: holdfast csp-account edit',
        );
      return { ...common, kind: 'access-key', ...key };
  }
}

export function regionOf(account: Pick<CspAccount, 'default_region' | 'partition'>, region = ''): string {
  if (region !== '') return region;
  return account.default_region === '' ? homeRegion[account.partition] : account.default_region;
}

/** Everything that a change of would make what is remembered of the account wrong. */
export function accountKeyOf(account: CspAccessFields, key: CspAccessKey | undefined): string {
  const { id, vault_id, type, partition, fips, role_arn, external_id, name, default_region } = account;
  // The sealed secret differs with each sealing.
  const sealed = key === undefined ? '' : createHash('sha256').update(key.sealed_secret).digest('base64');
  const parts = [vault_id, type, partition, fips, role_arn, external_id, name, default_region, sealed];
  return `${id} ${JSON.stringify(parts)}`;
}

/** The access key that is signed in with; undefined for accounts without. */
export async function currentKey(db: Reading, cspAccountId: string): Promise<CspAccessKey | undefined> {
  return db
    .selectFrom('csp_access_keys')
    .selectAll()
    .where('csp_account_id', '=', cspAccountId)
    .where('state', '=', 'CURRENT')
    .executeTakeFirst();
}

/** Throws TokenError: `seal-broken` where the record was tampered with. */
export async function openKey(
  context: Pick<VaultContext, 'tokens'>,
  account: Pick<CspAccount, 'id' | 'vault_id'>,
  key: CspAccessKey,
): Promise<OpenKey> {
  const secret = await unseal(context, {
    context: secretContext(account, key.access_key_id),
    sealed: key.sealed_secret,
    token: key.sealed_token,
  });
  return { accessKeyId: key.access_key_id, secret };
}

/** What a sealed secret access key is bound to: moved to another account, vault or access key id it does not open. */
export function secretContext(
  { id, vault_id }: Pick<CspAccount, 'id' | 'vault_id'>,
  accessKeyId: string,
): SealContext {
  return {
    purpose: 'csp-access-key',
    parts: [vault_id, id, accessKeyId],
    former: `secret of AWS access key ${accessKeyId} of CSP account ${id}`,
  };
}

/**
 * Makes sure that the account's vault may use the node's own credentials directly. Looked at with each use: the
 * configuration may have changed since the account was made. Throws VaultError `forbidden`.
 */
export async function checkAmbient(
  { store, aws }: Pick<ReadingContext, 'store'> & { aws: AwsClients },
  account: Pick<CspAccount, 'type' | 'vault_id'>,
): Promise<void> {
  if (account.type !== 'ambient') return;
  const vault = await store.db
    .selectFrom('vaults')
    .select('name')
    .where('id', '=', account.vault_id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  const { ambient, ambientVaults } = aws.settings;
  if (ambient && vault !== undefined && ambientVaults.includes(vault.name)) return;
  throw new VaultError(
    'forbidden',
    'CSP accounts of this vault may not use the credentials of the node',
    'take type access-key or role; or have the vault named in [aws] ambient_vaults of the configuration',
  );
}

/**
 * Makes sure that a role for which the node's own credentials are lent was found to ask for the external id of this CSP
 * account. One that could not be assumed yet when it was entered may be another's, who lets the node in without asking
 * for one (the confused deputy). Throws VaultError `conflict`.
 */
export function checkLent({ type, check_report }: CspAccessFields, key: CspAccessKey | undefined): void {
  if (type !== 'role' || key !== undefined) return;
  const report = check_report === null ? null : (JSON.parse(check_report) as { asksForExternalId?: boolean });
  if (report?.asksForExternalId === true) return;
  throw new VaultError(
    'conflict',
    'the role has not been checked to ask for the external id of this CSP account',
    'give it the trust policy that holdfast csp-account policy prints, then holdfast csp-account check',
  );
}

export function manualProblem(): VaultError {
  return new VaultError(
    'conflict',
    'the CSP account is of type manual: nothing here signs in to AWS for it',
    'do it manually in AWS and tell the result here, or give the CSP account an access key or a role',
  );
}

/** 2 to 64 characters of A-Z a-z 0-9 _ + = , . @ - (STS API reference, AssumeRole). */
function sessionName(name: string): string {
  return `holdfast-${name.normalize('NFKD').replaceAll(/[^A-Za-z0-9_+=,.@-]+/g, '-')}`.slice(0, 64);
}
