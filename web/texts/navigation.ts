export const navigation = {
  appliance: 'Appliance',
  vault: 'Vault',
  overview: 'Overview',
  cloudKeys: 'CloudKeys',
  keySets: 'Key sets',
  aws: 'AWS',
  accounts: 'CSP accounts',
} as const;
