/* A CloudKey that is to be made: where its KMS key comes to be, and with what key policy. */
export const newKey = {
  noStores:
    'The key set has no external key store yet. Create one first, or leave out the KMS key and create it later.',
  byHand:
    'Holdfast cannot create it for this key set: there is no external key store, or no CSP account that signs in to AWS. The page of the CloudKey has what to enter in AWS.',
  aliasWhy: 'Of the KMS key, after alias/. It follows the name; empty for none.',
  showPolicy: 'Show the key policy',
  policyWhy: 'What the KMS key is made with. Nothing is made by looking at it.',
  policyOld: 'Something has been changed since: show it again.',
  policyLater: 'It is written once AWS has told the account id.',
  made: 'Will be created',
  kmsKeyIn: (store: string, region: string) =>
    `A KMS key that refers to it, in the external key store ${store} in ${region}`,
  account: 'AWS account',
  notKnown: 'Not known yet',
  tags: 'Tags',
  ownTags: 'holdfast:kms-key and holdfast:cloud-key, which name the records here',
  quotaWhy: 'XKS requests per second for this key alone, besides what its key set allows. Empty for none.',
} as const;
