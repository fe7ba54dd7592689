import type { SimulatedCall } from '../service.ts';
import { authorizeKey } from './access.ts';
import { kmsError } from './errors.ts';
import { changingKey, findKey, seenKey } from './find-key.ts';
import { Input } from './input.ts';
import { refusePendingDeletion } from './key-state.ts';
import type { Kms } from './kms-house.ts';
import { page } from './pages.ts';
import { recordKey } from './trail.ts';

const maxTags = 50;

export function readTags(input: Input): Record<string, string> {
  const tags = new Map<string, string>();
  for (const tag of input.objects('Tags')) {
    const name = tag.text('TagKey', { max: 128 });
    if (/^aws:/i.test(name)) throw kmsError('TagException', 'Tag keys that begin with aws: are AWS’s own');
    if (tags.has(name)) throw kmsError('TagException', 'A tag key is there twice');
    tags.set(name, tag.text('TagValue', { min: 0, max: 256 }));
  }
  if (tags.size > maxTags) throw kmsError('TagException', `A key has at most ${maxTags} tags`);
  return Object.fromEntries(tags);
}

export function tagResource(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const tags = readTags(input);
  const { key } = findKey(kms, call, keyId);
  recordKey(call, key, { keyId, tags: Object.keys(tags).map((tagKey) => ({ tagKey })) });
  authorizeKey(kms, call, 'kms:TagResource', key);
  refusePendingDeletion(key);
  const together = { ...key.tags, ...tags };
  if (Object.keys(together).length > maxTags)
    throw kmsError('LimitExceededException', `A key has at most ${maxTags} tags`);
  changingKey(kms, key);
  key.tags = together;
  kms.house.changed();
}

export function untagResource(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const names = new Set(input.texts('TagKeys'));
  const { key } = findKey(kms, call, keyId);
  recordKey(call, key, { keyId, tagKeys: [...names] });
  authorizeKey(kms, call, 'kms:UntagResource', key);
  refusePendingDeletion(key);
  changingKey(kms, key);
  key.tags = Object.fromEntries(Object.entries(key.tags).filter(([name]) => !names.has(name)));
  kms.house.changed();
}

export function listResourceTags(kms: Kms, call: SimulatedCall) {
  const input = new Input(call.input);
  const keyId = input.text('KeyId');
  const { key } = findKey(kms, call, keyId);
  recordKey(call, key, { keyId });
  authorizeKey(kms, call, 'kms:ListResourceTags', key);
  const { items, truncation } = page(
    input,
    Object.entries((seenKey(kms, key) ?? key).tags),
    ([name]) => name,
    {
      standard: 50,
      max: 50,
    },
  );
  return { Tags: items.map(([TagKey, TagValue]) => ({ TagKey, TagValue })), ...truncation };
}
