import test from 'ava';
import { checkNewPassword } from '../../src/identity/password-policy.ts';
import { firstPassword } from '../../src/identity/passwords.ts';
import { Secret } from '../../src/secret.ts';
import { VaultError } from '../../src/vault/vault-error.ts';

const names = ['margarethe', 'Blue Harbour', 'me'];

function check(text: string) {
  return () => checkNewPassword(new Secret(text), names);
}

for (const [why, passwords] of Object.entries({
  '15 to 128 characters': [
    '',
    'short',
    'fourteen chars',
    '🔑🔑🔑🔑🔑🔑🔑🔑abcdef',
    `x1y2z3 ${'ab'.repeat(61)}`,
  ],
  'the name of the user or of the vault': [
    'the cat of Margarethe',
    'the cat of m4rg4r3th3',
    'sailing to BLUE HARBOUR in may',
  ],
  'the same few characters': [
    'aaaaaaaaaaaaaaaaaaa',
    'abcabcabcabcabcabc',
    'ab1ab1ab1ab1ab1a',
    'gravel pit gravel pit ',
    'abababcdcdcdabab',
  ],
  'guessed first': [
    'abcdefghijklmnopqrst',
    '9876543210abcdefg',
    'zyxwvutsrqponmlkjih',
    'correct horse battery staple'.replaceAll(' ', ''),
    'Password1234567890!',
    'P4ssw0rdP4ssw0rd1',
    'qwertyuiopasdfghjkl',
    'correct horse battery staple',
    'Correct-Horse-Battery-Staple-1',
    'The quick brown fox 12',
    '1q2w3e4r5t6y7u8i9o0p',
    '1qaz2wsx3edc4rfv',
    '!QAZ@WSX#EDC$RFV',
    'zaq12wsxcde34rfv',
    'poiuytrewq0987654321',
    'azertyuiopqsdfghjklm',
    'p a s s w o r d 1 2 3 4',
    'admin-admin-welcome1',
    'holdfast-password-1234',
  ],
}))
  for (const [index, password] of passwords.entries())
    test(`a password is refused for ${why}: ${index + 1}`, (t) => {
      const error = t.throws(check(password), { instanceOf: VaultError });
      t.is(error?.problem, 'invalid');
      t.true(error?.message.includes(why), error?.message);
      if (password !== '') t.false(error?.message.includes(password), 'no message quotes it');
    });

test('a name of three letters does not spoil a long password that has it by chance', (t) => {
  const check = (text: string) => () => checkNewPassword(new Secret(text), ['Ada']);
  t.notThrows(check('x7-4d4q-kk20-pr55-zz'));
  t.throws(check('ada likes tea 1'), { message: /the name of the user/ });
});

for (const password of [
  'fifteen letter.',
  'correct horse battery staple, says the cartoon',
  'ein Maß Bier, bitte!',
  'пять рыжих котов',
  '§±~<|€^°µ¶]¢«·»{',
  '         spaces count too',
  '木漏れ日と猫と珈琲と本の午後の静かな時間',
  `${'many words '.repeat(2)}and one ${'x1y2z3q9'.repeat(11)}`,
])
  test(`no rules on composition refuse: ${password.slice(0, 20)}`, (t) => {
    t.notThrows(check(password));
  });

test('every first password would do', (t) => {
  for (let round = 0; round < 200; round++) t.notThrows(check(firstPassword().reveal()));
});
