/* External key stores: what of one can be changed, and since when something is under way. */
export const storeEdit = {
  since: 'Since',
  restorePath: 'Set the path in AWS to that of the key set',
  restorePathByHand: 'In AWS the path is that of the key set again',
  /** AWS KMS, UpdateCustomKeyStore. */
  endpointToo: 'With another connectivity the endpoint is another too: AWS takes no host name for both.',
} as const;

/** What is known to be wrong with an external key store. */
export const storeHealth = {
  overview: 'Overview',
  health: 'Health',
  warnings: (n: number) => (n === 1 ? '1 warning' : `${n} warnings`),
  notLooked: 'Not looked at',
  nothingFound: 'Nothing found',
} as const;
