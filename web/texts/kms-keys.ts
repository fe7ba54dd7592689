/* How a KMS key comes to be, and goes. */

export const newKmsKey = {
  create: 'Create KMS key',
  title: (name: string) => `Create the KMS key of ${name}`,
  why: 'The KMS key and its alias are made in AWS as soon as the external key store is connected. Of one that is there already, enter the ARN: it is linked, and nothing in AWS changes.',
  created: (name: string) => `The KMS key of ${name} is on record`,
} as const;

/** What AWS has still to be given, and what became of one that is not kept any more. */
export const kmsKeyProgress = {
  pending: 'Not done in AWS yet',
  key: 'The KMS key is to be made.',
  alias: 'Its alias is to be made.',
  wanted: {
    ENABLE: 'It is to be enabled.',
    DISABLE: 'It is to be disabled.',
    SCHEDULE_DELETION: 'Its deletion is to be scheduled.',
    CANCEL_DELETION: 'Its deletion is to be cancelled.',
  },
  leaving: {
    KEEP: 'Its record here is being given up; the KMS key stays in AWS.',
    DELETE: 'Its record here is given up once AWS has scheduled the deletion of the KMS key.',
  },
  toApply: (what: readonly string[]) => `To be changed: ${what.join(', ')}.`,
  attempts: (n: number) => (n === 1 ? 'One attempt has failed.' : `${n} attempts have failed.`),
  next: 'Next attempt',
  gone: 'This KMS key is not kept here any more',
  outcomes: {
    KEPT: 'It stayed in AWS as it was.',
    DELETION_SCHEDULED: 'Its deletion was scheduled in AWS.',
    NEVER_MADE: 'No KMS key was ever made in AWS.',
    GONE_IN_AWS: 'AWS has no such KMS key any more.',
  },
  awsAliases: 'Aliases in AWS',
  notKnown: 'Not known',
  samePolicy: 'AWS has this policy',
} as const;
