import { z } from 'zod';

/** Something that a finding is on. */
export interface Affected {
  kind: AffectedKind;
  /** Of a token its name, of an XKS credential its access key id. */
  id: string;
  name: string;
  /** The key set that it belongs to, where it is in one. */
  keySetId?: string;
  /** Of a KMS key. */
  cloudKeyId?: string;
}

export const affectedKinds = [
  'vault',
  'key-set',
  'cloud-key',
  'xks-credential',
  'external-key-store',
  'kms-key',
  'token',
  'node',
] as const;
export type AffectedKind = (typeof affectedKinds)[number];

/** What a finding is on: nobody adds one without saying so. */
export type FindingOn = 'appliance' | readonly [Affected, ...Affected[]];

/** So many are told of one finding: those that somebody can have judged each, as `maxThings` has it. */
export const maxAffected = 100;

export const shownAffected = z.strictObject({
  kind: z.enum(affectedKinds),
  id: z.string().describe('Of a token its name, of an XKS credential its access key id.'),
  name: z.string().describe('Of a KMS key, the name of its CloudKey.'),
  keySetId: z.uuid().optional().describe('The key set that it belongs to.'),
  cloudKeyId: z.uuid().optional().describe('Of a KMS key, its CloudKey.'),
});

export function onToken(name: string): FindingOn {
  return [{ kind: 'token', id: name, name }];
}

/** Each once, a hundred at most. What has gone since it was counted leaves `place`, which holds all of it. */
export function onEach(things: readonly Affected[], place: Affected): FindingOn {
  const each = new Map(things.map((thing) => [thing.id, thing]));
  const [first = place, ...others] = [...each.values()].slice(0, maxAffected);
  return [first, ...others];
}
