import type { Schemas } from '../../src/cli/client/api-types.ts';
import type { BodyOf } from '../api/operation-types.ts';

type KmsKey = Schemas['KmsKey'];

/** What of a KMS key can be changed, as somebody types it. */
export interface KmsKeyForm {
  /** Of a KMS key that is in AWS, for a record without one. */
  keyArn: string;
  alias: string;
  description: string;
  /** `name=value`, one a line, `\=` for an `=` in a name; without Holdfast’s own, which nobody changes. */
  tags: string;
  policySource: KmsKey['policySource'];
  /** The key policy as JSON, where it is a document of its own. */
  document: string;
}

type PolicyForm = Pick<KmsKeyForm, 'policySource' | 'document'>;

type Shown = Pick<KmsKey, 'keyArn' | 'alias' | 'description' | 'tags' | 'policySource'> & {
  policy: { ours: unknown };
};

export function kmsKeyForm({ keyArn, alias, description, tags, policySource, policy }: Shown): KmsKeyForm {
  return {
    keyArn: keyArn ?? '',
    alias,
    description,
    tags: Object.entries(tags)
      .filter(([name]) => !name.startsWith('holdfast:'))
      .map(([name, value]) => `${name.replaceAll('=', String.raw`\=`)}=${value}\n`)
      .join(''),
    policySource,
    document: JSON.stringify(policy.ours, undefined, 2),
  };
}

/** Undefined where a line is no tag, or a name stands twice. */
export function tagsIn(text: string): Record<string, string> | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const tags = new Map<string, string>();
  for (const line of lines) {
    // No name or value has a backslash (AWS KMS, TagResource), and blanks at their ends are theirs.
    const [, escaped, value] = /^((?:\\=|[^=\\])+)=(.*)$/u.exec(line) ?? [];
    if (escaped === undefined || value === undefined) return undefined;
    const name = escaped.replaceAll(String.raw`\=`, '=');
    if (name.trim() === '' || tags.has(name)) return undefined;
    tags.set(name, value);
  }
  return Object.fromEntries(tags);
}

/** Undefined where the text is no JSON object. */
function documentIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The key policy that is told; undefined where it is a document that is none. */
export function policyOf({ policySource, document }: PolicyForm) {
  return policySource === 'document' ? documentIn(document) : policySource;
}

/** Whether the key policy can be sent as it is typed. */
export function isPolicyWhole({ policySource, document }: PolicyForm): boolean {
  return policySource !== 'document' || documentIn(document) !== undefined;
}

/** What is sent of what differs. Call it with a form that is whole. */
export function kmsKeyBody(change: Partial<KmsKeyForm>, form: KmsKeyForm): BodyOf<'updateKmsKey'> {
  const { keyArn, alias, description, tags } = change;
  const isPolicy =
    change.policySource !== undefined || (form.policySource === 'document' && change.document !== undefined);
  return {
    keyArn,
    alias,
    description,
    ...(tags === undefined ? {} : { tags: tagsIn(tags) }),
    ...(isPolicy ? { policy: policyOf(form) } : {}),
  };
}
