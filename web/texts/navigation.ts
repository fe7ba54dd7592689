export const navigation = {
  appliance: 'Appliance',
  vault: 'Vault',
  overview: 'Overview',
  cloudKeys: 'CloudKeys',
  keySets: 'Key sets',
} as const;
