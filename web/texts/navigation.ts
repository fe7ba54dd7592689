export const navigation = {
  appliance: 'Appliance',
  vault: 'Vault',
  overview: 'Overview',
} as const;
