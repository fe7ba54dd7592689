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
    'By id, external key id or whole name, or as AWS calls its KMS key: key id, key ARN, alias (with or without ' +
      '`alias/`) or alias ARN.',
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
    effectiveState: effectiveStates.describe('What a request meets: all but AVAILABLE refuse it.'),
    frozenSince: time.nullable().describe('Of its key set or vault.'),
  })
  .meta({ id: 'FoundCloudKey' });

export const keyLookupRoutes: readonly Route[] = [
  route({
    operation: 'findCloudKeys',
    method: 'POST',
    path: '/cloud-keys/find',
    tag: keyTag,
    summary: 'Find whose a CloudKey is',
    description:
      'For whoever looks after the appliance and has a name from AWS or from a ticket: the vault and key set that have it, ' +
      'its state, and what a request meets. Nothing more of it, and it gives no right to it. That it was asked stands in ' +
      'the trail of the appliance and in that of each vault in which a key is found. At most 200 keys.',
    access: { kind: 'permission', appliance: 'cloud-keys.find' },
    body: z.strictObject({ called }),
    answer: z.strictObject({ cloudKeys: z.array(foundKey) }).meta({ id: 'FoundCloudKeys' }),
    handle: async ({ services, act, body }) => ({
      body: { cloudKeys: await lookUpCloudKeys(services, act, body.called) },
    }),
  }),
];
