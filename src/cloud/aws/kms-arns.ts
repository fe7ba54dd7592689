/** Parts of the ARN of a KMS key. */
export interface KeyArn {
  partition: string;
  region: string;
  accountId: string;
  keyId: string;
}

/** Undefined where it is none. Key ids are UUIDs; those of multi-Region keys begin with mrk-. */
export function parseKeyArn(arn: string): KeyArn | undefined {
  const groups =
    /^arn:(?<partition>aws(?:-[a-z]{1,8}){0,3}):kms:(?<region>[a-z0-9-]{5,30}):(?<accountId>[0-9]{12}):key\/(?<keyId>[0-9a-f-]{36}|mrk-[0-9a-f]{32})$/.exec(
      arn,
    )?.groups;
  if (groups === undefined) return undefined;
  const { partition = '', region = '', accountId = '', keyId = '' } = groups;
  return { partition, region, accountId, keyId };
}

/** Form of an alias, `alias/` with it (CreateAlias). Those that begin with alias/aws/ are AWS's own. */
export function isAlias(text: string): boolean {
  return /^alias\/[A-Za-z0-9/_-]{1,250}$/.test(text) && !text.startsWith('alias/aws/');
}

/** The IAM principal behind what GetCallerIdentity says: of a role session the role, as far as it can be known. */
export function principalOf(callerArn: string): { arn: string; certain: boolean } {
  const session =
    /^arn:(?<partition>[a-z-]+):sts::(?<accountId>[0-9]{12}):assumed-role\/(?<role>[^/]+)\/[^/]+$/.exec(
      callerArn,
    )?.groups;
  if (session === undefined) return { arn: callerArn, certain: true };
  // STS leaves the path of the role out: one that has a path has another ARN.
  return {
    arn: `arn:${session['partition'] ?? ''}:iam::${session['accountId'] ?? ''}:role/${session['role'] ?? ''}`,
    certain: false,
  };
}
