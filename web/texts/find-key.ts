/* Whose a CloudKey is, by a name from AWS or from a ticket. */
export const findKey = {
  title: 'Find a CloudKey',
  why: 'Which vault has a CloudKey that a ticket or AWS names. It shows nothing else of it, gives no access to it, and is in the audit log: yours, and that of each vault in which one is found.',
  called: 'Its name',
  calledWhy:
    'The whole of it: ARN, id, alias or alias ARN of its KMS key; or name, id or external key id of the CloudKey.',
  find: 'Find',
  found: 'Found',
  none: 'No vault has such a CloudKey',
  noneWhy: 'The name has to be whole, as AWS or the ticket has it.',
  vault: 'Vault',
  keySet: 'Key set',
  frozenSince: 'Frozen',
  id: 'Id',
  notAll: (n: number) =>
    `These are the first ${n}, and there may be more: the ARN or id of its KMS key finds the one.`,
} as const;
