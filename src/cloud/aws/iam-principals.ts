import type { AwsAccount } from './clients.ts';
import { callAws } from './aws-error.ts';

/** A user or role of IAM, to choose from for a key policy. */
export interface ListedPrincipal {
  name: string;
  arn: string;
  path: string;
  createdAt: Date | undefined;
}

export interface PrincipalPage {
  items: ListedPrincipal[];
  /** IAM's marker of the next page; null at the end. */
  next: string | null;
}

export interface PrincipalQuery {
  kind: 'user' | 'role';
  /** Such as `/teams/`; all of them without. */
  pathPrefix?: string | undefined;
  marker?: string | undefined;
  /** 1 to 1000. */
  limit: number;
}

/**
 * A page of the account's users or roles. Without service-linked roles, which key policies should not name (the
 * service would lose them with its role): a page may so have fewer items than asked for, or none. Throws AwsError.
 */
export async function listPrincipals(account: AwsAccount, query: PrincipalQuery): Promise<PrincipalPage> {
  const { ListRolesCommand, ListUsersCommand } = await import('@aws-sdk/client-iam');
  const client = await account.iam();
  const input = {
    MaxItems: query.limit,
    ...(query.pathPrefix === undefined ? {} : { PathPrefix: query.pathPrefix }),
    ...(query.marker === undefined ? {} : { Marker: query.marker }),
  };
  if (query.kind === 'user') {
    const {
      Users = [],
      IsTruncated,
      Marker,
    } = await callAws('ListUsers', async () => client.send(new ListUsersCommand(input)));
    return pageOf(
      Users.map(({ UserName: name, Arn: arn, Path: path, CreateDate: at }) => ({ name, arn, path, at })),
      IsTruncated,
      Marker,
    );
  }
  const {
    Roles = [],
    IsTruncated,
    Marker,
  } = await callAws('ListRoles', async () => client.send(new ListRolesCommand(input)));
  return pageOf(
    Roles.map(({ RoleName: name, Arn: arn, Path: path, CreateDate: at }) => ({ name, arn, path, at })),
    IsTruncated,
    Marker,
  );
}

interface Listed {
  name: string | undefined;
  arn: string | undefined;
  path: string | undefined;
  at: Date | undefined;
}

function pageOf(
  listed: readonly Listed[],
  isTruncated: boolean | undefined,
  marker: string | undefined,
): PrincipalPage {
  const items = listed.flatMap(({ name, arn, path = '/', at: createdAt }) =>
    name === undefined || arn === undefined || path.startsWith('/aws-service-role/')
      ? []
      : [{ name, arn, path, createdAt }],
  );
  return { items, next: isTruncated === true ? (marker ?? null) : null };
}
