export const navigation = {
  appliance: 'Appliance',
  vault: 'Vault',
  overview: 'Overview',
  cloudKeys: 'CloudKeys',
} as const;
