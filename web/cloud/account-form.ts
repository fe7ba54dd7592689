import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { Fact } from '../parts/seen.tsx';
import { accounts as t } from '../texts/cloud.ts';
import { parts } from '../texts/parts.ts';

type CspAccount = Schemas['CspAccount'];

/** What is typed of a CSP account. */
export interface AccountForm {
  name: string;
  description: string;
  adminGroupId: string;
  type: CspAccount['type'];
  awsAccountId: string;
  defaultRegion: string;
  accessKeyId: string;
  secretAccessKey: string;
  roleArn: string;
  rotationDays: string;
}

export function formOf(account: CspAccount | undefined): AccountForm {
  return {
    name: account?.name ?? '',
    description: account?.description ?? '',
    adminGroupId: account?.adminGroupId ?? '',
    type: account?.type ?? 'access-key',
    awsAccountId: account?.awsAccountId ?? '',
    defaultRegion: account?.defaultRegion ?? '',
    accessKeyId: account?.accessKeyId ?? '',
    secretAccessKey: '',
    roleArn: account?.roleArn ?? '',
    rotationDays: account?.accessKeyRotation.days?.toString() ?? '',
  };
}

/** What making or changing it sends: of a change only what differs from what is there. */
export function bodyOf(form: AccountForm, there: CspAccount | undefined) {
  const before = there === undefined ? undefined : formOf(there);
  const differs = (name: keyof AccountForm) =>
    before === undefined ? form[name] !== '' : form[name] !== before[name];
  const hasKey = form.type === 'access-key' || form.type === 'role';
  return {
    ...(before === undefined || differs('name') ? { name: form.name } : {}),
    ...(before === undefined || differs('description') ? { description: form.description } : {}),
    ...(before === undefined || differs('adminGroupId') ? { adminGroupId: form.adminGroupId } : {}),
    ...(before === undefined || differs('type') ? { type: form.type } : {}),
    ...(form.type === 'manual' && differs('awsAccountId') ? { awsAccountId: form.awsAccountId } : {}),
    ...(differs('defaultRegion') ? { defaultRegion: form.defaultRegion } : {}),
    ...(hasKey && form.accessKeyId !== '' && differs('accessKeyId') ? { accessKeyId: form.accessKeyId } : {}),
    ...(hasKey && form.secretAccessKey !== '' ? { secretAccessKey: form.secretAccessKey } : {}),
    ...(form.type === 'role' && differs('roleArn') ? { roleArn: form.roleArn } : {}),
    ...(hasKey && differs('rotationDays')
      ? { accessKeyRotation: { days: form.rotationDays === '' ? null : Number(form.rotationDays) } }
      : {}),
  };
}

export function factsOfAccount(account: CspAccount): readonly Fact[] {
  const { days } = account.accessKeyRotation;
  const { accessKeyRotationState: rotating } = account;
  return [
    [parts.name, account.name],
    [parts.description, account.description],
    [t.group, account.adminGroupId],
    [t.type, t.types[account.type]],
    [t.account, account.awsAccountId],
    [t.region, account.defaultRegion],
    [t.accessKeyId, account.accessKeyId ?? ''],
    [t.roleArn, account.roleArn ?? ''],
    [t.rotation, days === null ? parts.never : t.every(days)],
    [t.rotate, rotating === null ? '' : t.rotating[rotating]],
  ];
}
