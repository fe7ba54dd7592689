import test from 'ava';
import { editedSentence } from '../../src/cli/records/changed.ts';
import {
  frozenVaultInWords,
  keySetInWords,
  severalInWords,
  thawedVaultInWords,
  vaultsInWords,
} from '../../src/cli/records/freeze-sentences.ts';

/* What changed nothing is not told as done. */

const since = '2026-11-29T14:03:11.482Z';

test('of several key sets only what was frozen is told as thawed, and the other way round', (t) => {
  const told = (verb: 'freeze' | 'thaw', keySets: number, changed: number) =>
    severalInWords(verb, { keySets, changed });
  t.is(told('thaw', 0, 0), 'there is no key set that you can see: nothing was thawed');
  t.is(told('thaw', 1, 0), 'the one key set was not frozen: nothing has changed');
  t.is(told('thaw', 3, 0), 'none of the 3 key sets was frozen: nothing has changed');
  t.is(told('thaw', 3, 1), '1 key set is thawed: each key is as it was; 2 others were not frozen');
  t.is(told('thaw', 3, 3), '3 key sets are thawed: each key is as it was');
  t.is(told('freeze', 0, 0), 'there is no key set that you can see: nothing was frozen');
  t.is(told('freeze', 1, 0), 'the one key set was already FROZEN: nothing has changed');
  t.is(told('freeze', 3, 0), 'all 3 key sets were already FROZEN: nothing has changed');
  t.regex(told('freeze', 3, 2), /^3 key sets are FROZEN: AWS is answered .*; 1 of them already was$/);
  t.regex(told('freeze', 1, 1), /^1 key set is FROZEN: AWS is answered InvalidStateException from now on$/);
});

test('of one key set, of one vault and of all of them likewise', (t) => {
  const held = {
    ...{ name: 'payments', state: 'FROZEN' as const },
    frozenSince: { keySet: null, vault: since, appliance: null },
  };
  const frozenSince = { keySet: null, vault: null, appliance: null };
  t.is(keySetInWords(held, 'freeze', false), 'payments was already FROZEN: nothing has changed');
  t.regex(
    keySetInWords(held, 'thaw', false),
    /^payments was not itself frozen: nothing has changed; it stays/,
  );
  t.regex(keySetInWords(held, 'thaw', true), /^the freeze of payments itself is ended; it stays FROZEN/);
  const active = { name: 'payments', state: 'ACTIVE' as const, frozenSince };
  t.is(keySetInWords(active, 'thaw', false), 'payments was not frozen: nothing has changed');
  t.is(thawedVaultInWords({ ...active, name: 'emea' }, false), 'emea was not frozen: nothing has changed');
  t.regex(
    thawedVaultInWords({ ...held, name: 'emea' }, false),
    /^you hold no freeze of it to end; emea stays FROZEN/,
  );
  t.regex(
    frozenVaultInWords({ ...held, name: 'emea' }),
    /^emea is FROZEN as of 2026-11-29 14:03:11 UTC: AWS/,
  );
  t.is(vaultsInWords({ frozen: 0, frozenBefore: 0 }), 'there is no vault: nothing was frozen');
  t.regex(
    vaultsInWords({ frozen: 0, frozenBefore: 2 }),
    /^all 2 vaults were already FROZEN: nothing has changed\./,
  );
});

test('an edit that told what was so already is not told as a change', (t) => {
  const after = { name: 'payroll', region: 'eu-west-1' };
  const told = { region: 'eu-west-1' };
  t.is(editedSentence('payroll', told, { after, changed: true }), 'payroll is changed: region eu-west-1.');
  t.is(
    editedSentence('payroll', told, { after, changed: false }),
    'payroll was like that already; nothing has changed: region eu-west-1.',
  );
});
