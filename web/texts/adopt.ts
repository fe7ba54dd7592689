/* A key object that is in the token already becomes a CloudKey. */
export const adopt = {
  adopt: 'Adopt a key object',
  why: 'For those who come from the AWS sample proxy (aws-kms-xks-proxy): an AES-256 key object that is in the token already becomes a CloudKey, and what the proxy has encrypted with it can be decrypted. One that could have left the token is refused. Its usage is what the key object permits.',
  keySet: 'Key set',
  keySetWhy: 'Its token is the one that has the key object.',
  label: 'Label of the key object',
  labelWhy: 'Its CKA_LABEL in the token.',
  name: 'Name of the CloudKey',
  externalKeyId: 'External key id',
  externalKeyIdWhy: 'How AWS refers to it; the label if it is left empty, as with the sample proxy.',
  region: 'Region',
  regionWhy: 'The default Region of the key set’s CSP account if it is left empty.',
  restrict: 'Take from it what a CloudKey does not need',
  restrictWhy:
    'A key object that may also wrap, unwrap or derive is refused otherwise. In the token CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP and CKA_DERIVE become false, for good.',
  done: (name: string) => `${name} was adopted`,
} as const;
