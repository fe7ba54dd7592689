export const navigation = {
  appliance: 'Appliance',
  vault: 'Vault',
  overview: 'Overview',
  cloudKeys: 'CloudKeys',
  keySets: 'Key sets',
  aws: 'AWS',
  stores: 'External key stores',
  kmsKeys: 'KMS keys',
  accounts: 'CSP accounts',
} as const;
