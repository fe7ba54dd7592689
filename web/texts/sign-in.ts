/* Signing in. */

export const signIn = {
  titleAppliance: 'Sign in to the appliance',
  titleVault: 'Sign in to the vault',
  appliance:
    'The appliance has vaults, tokens and nodes. Keys are in a vault, which has an address of its own to sign in at.',
  vault: 'Key sets, CloudKeys and what AWS has of them.',
  username: 'Username',
  password: 'Password',
  submit: 'Sign in',
  sso: 'Continue with single sign-on',
  ssoWhere: (host: string) => `at ${host}`,
  ssoNewTab: 'It opens in a new tab. Come back to this one afterwards: it goes on by itself.',
  or: 'or',
  refused: 'The sign-in was refused',
  refusedWhy:
    'The name or the password is wrong, or the account is locked or disabled: which of these is not told. From the fifth wrong try in a row on an account is locked for 1, 2, 4 … 60 minutes.',
  codeTitle: 'Second factor',
  codeWhy: 'The six digits that your authenticator app shows, or one of your recovery codes.',
  code: 'Code',
  codeSubmit: 'Continue',
  codeRefused: 'The code is wrong, was used already, or its time is over.',
  startOver: 'Start over',
  newTitle: 'A new password',
  newWhy: 'Yours was given to you by somebody else. Choose one that only you know.',
  newRule:
    '15 to 128 characters of any kind: a few words in a row work well. Not your name and not what everybody guesses first.',
  newPassword: 'New password',
  newAgain: 'New password, again',
  newSubmit: 'Change the password and continue',
  differ: 'The two are not the same.',
  missing: 'This is needed.',
  endedTitle: 'Your session has ended',
  endedWhy:
    'It was idle for too long, came to its end, or was ended elsewhere. Sign in again: beneath this the page stays as it is, with all that you typed.',
  endedOther: (name: string) => `This browser is signed in as ${name} by now.`,
  endedElsewhere: 'I have signed in in another tab',
  ssoTitle: 'Signing in',
  ssoErrors: {
    'sign-in-refused':
      'Nobody here is who you are at the provider, or their account is disabled. An administrator sees why in the audit log.',
    'provider-refused': 'The provider refused the sign-in.',
    'client-refused': 'The provider does not accept the client id or secret that it was set up with here.',
    'answer-refused': 'What the provider answered cannot be trusted, so it was not used.',
    unreachable: 'The provider cannot be reached from the node.',
    untrusted: 'The certificate of the provider is not one that is trusted here.',
    'no-provider': 'There is no single sign-on here.',
    failed: 'The sign-in did not come to its end.',
  } as Record<string, string>,
  ssoLost: 'This sign-in was begun in another tab or browser, or too long ago.',
  ssoAgain: 'Sign in again',
} as const;
