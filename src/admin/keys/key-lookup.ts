import { z } from 'zod';
import { lookUpCloudKeys } from '../../keys/key-lookup.ts';
import { effectiveStates, keyStates } from './cloud-key-forms.ts';
import { keyTag } from './cloud-key-routes.ts';
import { time } from './key-forms.ts';
import { route, type Route } from '../route.ts';

/** Every name that people have of a CloudKey. */
export const called = z
  .string()
  .min(1)
  .max(400)
  .describe(
    'Id, external key id or full name of the CloudKey, or key id, key ARN, alias (with or without `alias/`) ' +
      'or alias ARN of its KMS key.',
  );

const foundKey = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    vaultId: z.string(),
    vaultName: z.string(),
    keySetId: z.uuid(),
    keySetName: z.string(),
    state: keyStates,
    effectiveState: effectiveStates.describe(
      'The state that applies to requests; all but AVAILABLE refuse them.',
    ),
    frozenSince: time.nullable().describe('When its key set or vault was frozen.'),
  })
  .meta({ id: 'FoundCloudKey' });

export const keyLookupRoutes: readonly Route[] = [
  route({
    operation: 'findCloudKeys',
    method: 'POST',
    path: '/cloud-keys/find',
    tag: keyTag,
    summary: 'Find the vault that a CloudKey belongs to',
    description:
      'For appliance administrators who have a name from AWS or from a ticket: returns the vault and key set ' +
      'that have the key, its state, and its effective state. It returns nothing else and grants no access to ' +
      'the key. The lookup is recorded in the trail of the appliance and of each vault in which a key is ' +
      'found. At most 200 keys.',
    access: { kind: 'permission', appliance: 'cloud-keys.find' },
    body: z.strictObject({ called }),
    answer: z.strictObject({ cloudKeys: z.array(foundKey) }).meta({ id: 'FoundCloudKeys' }),
    handle: async ({ services, act, body }) => ({
      body: { cloudKeys: await lookUpCloudKeys(services, act, body.called) },
    }),
  }),
];
