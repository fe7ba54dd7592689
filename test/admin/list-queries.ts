/* How the lists of the management API are asked. */

/** A value of each filter; one that names a single thing finds so few that they may be sorted. */
export const values: Record<string, { value: string; few?: true }> = {
  sequence: { value: '7', few: true },
  action: { value: 'cloud-key.disable' },
  actor: { value: 'vera' },
  target: { value: 'payroll' },
  outcome: { value: 'refused' },
  requestId: { value: 'request' },
  from: { value: '2029-01-01T00:00:00.000Z' },
  to: { value: '2031-02-01T00:00:00.000Z' },
  deletedVault: { value: 'd' },
  keySetId: { value: 's' },
  region: { value: 'eu-west-1' },
  state: { value: 'EXPIRED' },
  name: { value: 'pay' },
  externalKeyId: { value: 'x', few: true },
  userId: { value: 'u' },
  called: { value: 'arn:aws:kms:eu-west-1:111122223333:alias/pay', few: true },
  id: { value: 'i', few: true },
  cloudKeyId: { value: 'c', few: true },
  keyArn: { value: 'a', few: true },
  cloudStatus: { value: 'AVAILABLE' },
  step: { value: 'DONE' },
  alias: { value: 'alias/' },
  role: { value: 'cloud-admin' },
  username: { value: 'vera', few: true },
  adminGroupId: { value: 'g' },
  cspAccountId: { value: 'a' },
  token: { value: 'token' },
  open: { value: 'true' },
  error: { value: 'InternalException' },
  principal: { value: 'arn:aws:iam::111122223333:role/a' },
  kmsRequestId: { value: 'request' },
};

export function shapeOf(schema: unknown): Record<string, unknown> {
  return (schema as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
}

/** What a parameter may be, such as what a list may be sorted by; nothing where any text may be. */
export function optionsOf(parameter: unknown): string[] {
  return (
    (parameter as { def?: { innerType?: { options?: string[] } } } | undefined)?.def?.innerType?.options ?? []
  );
}
