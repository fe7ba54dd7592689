import { monotonicNow } from '../../../clock.ts';
import { counted } from '../../../counted.ts';
import { TokenError } from '../../faults.ts';
import type { KeyObjects } from './key-objects.ts';
import type { FoundKey } from '../../messages.ts';
import { isLabelOfOwn } from '../../own-keys.ts';

/** So many labels are named, of so many characters each: a fault's detail is short. */
const namedAtMost = 5;
const maxNamedLength = 48;

/** Labels are read for so long, in milliseconds: a network HSM takes its time for each. */
const readingTime = 500;

/**
 * The AES key of another's making with this label. Throws CryptokiError, TokenError `key-duplicate`, or `key-missing`, whose
 * detail tells of the keys of others that are there: the label may have been mistyped.
 */
export function findByLabel(keys: KeyObjects, label: string): FoundKey {
  try {
    return keys.findByLabel(label);
  } catch (error) {
    if (!(error instanceof TokenError) || error.fault !== 'key-missing') throw error;
    throw new TokenError(error.fault, error.call, error.rv, keysOfOthers(keys));
  }
}

function keysOfOthers(keys: KeyObjects): string {
  const until = monotonicNow() + readingTime;
  const handles = keys.all();
  const labels = new Set<string>();
  let read = 0;
  let others = 0;
  for (const handle of handles) {
    if (monotonicNow() > until && read > 0) break;
    read++;
    const { label } = keys.nameOf(handle);
    if (isLabelOfOwn(label)) continue;
    others++;
    labels.add(label);
  }
  const of = read < handles.length ? `of the first ${read} of its ${counted(handles.length, 'AES key')}` : '';
  if (others === 0)
    return of === '' ? 'the token has no AES key but Holdfast’s own' : `${of} all are Holdfast’s own`;
  const named = [...labels]
    .slice(0, namedAtMost)
    .map((label) => JSON.stringify(label.slice(0, maxNamedLength)));
  const more = labels.size > named.length ? `, and ${labels.size - named.length} more` : '';
  const there = others === 1 ? 'is not Holdfast’s own' : 'are not Holdfast’s own';
  return `${of === '' ? counted(others, 'AES key') : `${of} ${others}`} in the token ${there}: ${named.join(', ')}${more}`;
}
