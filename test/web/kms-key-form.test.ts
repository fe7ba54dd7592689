import test from 'ava';
import { kmsKeyBody, kmsKeyForm, tagsIn, type KmsKeyForm } from '../../web/cloud/kms-key-form.ts';
import { quotaBody, quotaForm, quotaWord } from '../../web/parts/quota-form.ts';

const common = {
  keyArn: null,
  alias: '',
  description: '',
  policySource: 'generated',
  policy: { ours: {} },
} as const;

test('tags are one a line, and what is none, or stands twice, is refused whole', (t) => {
  t.deepEqual(tagsIn('team=payments\n\ncost=a=b\n'), { team: 'payments', cost: 'a=b' });
  t.deepEqual(tagsIn(''), {});
  for (const wrong of ['team', '=payments', 'a=1\na=2']) t.is(tagsIn(wrong), undefined, wrong);
});

test('the tags that are Holdfast’s own, which the API refuses to change, are in no form', (t) => {
  const tags = { 'holdfast:kms-key': '1', team: 'hr', 'holdfast:cloud-key': '2' };
  t.is(kmsKeyForm({ ...common, tags }).tags, 'team=hr\n');
});

test('a tag that nobody has changed is sent as it is, whatever is in its name', (t) => {
  const tags = { 'a=b': '1', 'a=c': '=', x: ' y ', ' z ': '' };
  t.deepEqual(tagsIn(kmsKeyForm({ ...common, tags }).tags), tags);
});

test('an edit of a KMS key sends what differs: a policy only where its source or its document does', (t) => {
  const form: KmsKeyForm = {
    ...{ keyArn: '', alias: 'alias/payroll', description: '', tags: 'team=hr\n' },
    ...{ policySource: 'document' as const, document: '{"Version":"2012-10-17"}' },
  };
  t.deepEqual(kmsKeyBody({ tags: form.tags }, form), {
    ...{ keyArn: undefined, alias: undefined, description: undefined, tags: { team: 'hr' } },
  });
  t.deepEqual(kmsKeyBody({ document: form.document }, form).policy, { Version: '2012-10-17' });
  const generated: KmsKeyForm = { ...form, policySource: 'generated' };
  t.is(kmsKeyBody({ document: '{}' }, generated).policy, undefined);
  t.is(kmsKeyBody({ policySource: 'generated' }, generated).policy, 'generated');
});

test('a quota without a burst is sent without one, and none is none', (t) => {
  for (const [quota, sent, word] of [
    [null, null, ''],
    [{ requestsPerSecond: 500, burst: 500 }, { requestsPerSecond: 500 }, '500'],
    [{ requestsPerSecond: 500, burst: 1000 }, { requestsPerSecond: 500, burst: 1000 }, '500/1000'],
  ] as const) {
    const form = quotaForm(quota);
    t.deepEqual(quotaBody(form), sent);
    t.is(quotaWord(form), word);
  }
});
