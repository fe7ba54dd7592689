import type { Tables } from './schema.ts';

/*
 * What is written without an event in the audit trail. Whatever else a transaction changes is on record in it, or it is not
 * committed (act-transaction.ts); so here stands every exception, each with why it is nobody's act and the tables that it
 * may touch. A test counts where each is used.
 */
export const reasons = {
  use: {
    why: 'that something was used or somebody seen, when, and from where',
    tables: ['uses', 'sessions', 'api_keys'],
  },
  attempt: {
    why: 'a try of a password or code, counted before it is known whether it is right, and the right code used up; a refusal, and what the right one opens, are on record by themselves',
    tables: ['users', 'recovery_codes'],
  },
  'sign-in under way': {
    why: 'what a sign-in by OpenID Connect has to remember until its user is back; its end is on record',
    tables: ['oidc_sign_ins'],
  },
  'sealed anew': {
    why: 'the same secret, under the sealing key in a better form',
    tables: ['users', 'settings', 'oidc_providers', 'csp_access_keys', 'xks_credentials'],
  },
  'encryption count': {
    why: 'encryptions counted ahead, in blocks',
    tables: ['key_versions'],
  },
  'being made': {
    why: 'a key object that the token is about to make, or that is taken back since it came to nothing; on record as a creation or a rotation once it is in use',
    tables: ['cloud_keys', 'key_versions', 'kms_keys'],
  },
  'found in a token': {
    why: 'what a key object was found to be, by the token itself',
    tables: ['key_versions', 'own_key_proofs', 'replaced_tokens'],
  },
  'work in AWS': {
    why: 'what AWS says of a record, and how far our own work on it has come; what was asked for is on record, and so is what it came to',
    tables: ['kms_keys', 'external_key_stores', 'csp_accounts', 'csp_access_keys'],
  },
  'rest of an act': {
    why: 'rows beyond the first hundred of an act that is on record as a whole',
    tables: [
      ...['cloud_keys', 'key_versions', 'key_sets', 'xks_credentials', 'spent_external_keys', 'uses'],
      ...['users', 'api_keys', 'csp_accounts', 'csp_access_keys', 'external_key_stores', 'kms_keys'],
    ] as (keyof Tables)[],
  },
  pruning: {
    why: 'events that go in small steps; on record when it is asked for and when it has ended',
    tables: ['audit_prunings', 'audit_events'],
  },
  housekeeping: {
    why: 'what has served: it grants nothing any more',
    tables: [
      ...['sessions', 'oidc_sign_ins', 'recovery_codes', 'api_keys', 'leases', 'nodes'],
      ...['audit_prunings', 'reconciliations', 'xks_credentials', 'uses', 'failed_requests'],
    ] as (keyof Tables)[],
  },
  lease: {
    why: 'which process holds what, and for how long',
    tables: ['leases', 'snapshot_holders'],
  },
  traffic: {
    why: 'how many requests came and how they were answered, in steps of time',
    tables: ['traffic'],
  },
  vitals: {
    why: 'how a node was, in steps of time',
    tables: ['vitals'],
  },
  'failed request': {
    why: 'what AWS asked for that was answered with an error, and what is beyond the number that is kept',
    tables: ['failed_requests'],
  },
  node: { why: 'which nodes there are, and when each was seen', tables: ['nodes'] },
  'store move': {
    why: 'that the store is elsewhere from now on: on record there',
    tables: ['store_moves'],
  },
  nothing: { why: 'nothing is written: it only reads, with all other writers behind it', tables: [] },
  'by hand': { why: 'no act of Holdfast, such as what a test sets up', tables: 'all' },
} as const satisfies Record<string, { why: string; tables: readonly (keyof Tables)[] | 'all' }>;

export type Unrecorded = keyof typeof reasons;
