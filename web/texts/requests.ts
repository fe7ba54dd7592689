/* Requests of AWS that were refused or failed. */

export const requests = {
  title: 'Requests',
  why: 'What AWS KMS asked for that was refused or failed, in the last 30 days. One line stands for all of a minute that are the same.',
  whyAppliance:
    'Requests that were not authenticated, and so belong to no vault, in the last 30 days. One line stands for all of a minute that are the same.',
  refused: 'Refused or failed',
  none: 'No request was refused',
  noneWhy: 'Whatever AWS KMS asked for in the last 30 days was done.',
  noneAppliance: 'No request was refused as unauthenticated',
  noneApplianceWhy: 'Whoever sent requests in the last 30 days had a credential of a key set.',
  at: 'Last',
  first: 'First',
  count: 'Requests',
  operation: 'Operation',
  error: 'Error',
  reason: 'Reason',
  key: 'CloudKey',
  keySet: 'Key set',
  principal: 'Caller',
  service: 'Through service',
  asked: 'Asked of AWS KMS',
  keyArn: 'KMS key',
  requestId: 'KMS request id',
  lastOnly:
    'KMS key, KMS request id and address are those of the last request; the log of the node has every one.',
  externalKeyId: 'External key id',
  one: 'Refused or failed',
  noneSuch:
    'There is none of this address: lines are kept for 30 days, of a vault the newest 10,000, and you may not see it.',
  caution:
    'A line has the KMS request id and address of its last request alone, and of a flood some lines have neither key set nor caller: the log of the node has every request.',
  address: 'From',
  told: 'What AWS was told',
  remediation: 'What to do',
  retried: 'AWS KMS retries',
  retriedWords: (yes: boolean) => (yes ? 'Yes, and counts it against reliability' : 'No'),
  showOne: (error: string, at: string) => `Details: ${error}, ${at}`,
} as const;
