/* What a person does in AWS where Holdfast does not sign in there. */
export const byHand = {
  keyArn: 'ARN of the KMS key',
  keyArnByHandWhy:
    'AWS shows it once the KMS key is created. Holdfast does not sign in there and takes your word for it: make sure that the key refers to this CloudKey.',
  keyArnWhy:
    'Of a KMS key that is in AWS already and refers to this CloudKey through this external key store. If it is empty, one is created.',
  createWhy:
    'Its record is made here, with what to enter in AWS: the KMS key itself somebody creates there manually.',
  toMake: 'This KMS key is to be created manually in AWS',
  toMakeWhy: 'What to enter there is below. Once the key is created, enter its ARN here.',
  enterArn: 'Enter its ARN',
  values: 'Values for the AWS console',
  valuesWhy:
    'Holdfast does not sign in to this AWS account: somebody creates and maintains the KMS key there manually.',
  account: 'AWS account',
  storeId: 'Id of the external key store in AWS',
  externalKeyId: 'External key id',
  tag: (name: string) => `Tag ${name}`,
  downloadPolicy: (file: string) => `Download ${file}`,
} as const;
