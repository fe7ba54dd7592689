import type { Secret } from '../secret.ts';

export interface Mail {
  subject: string;
  text: string;
}

export interface PasswordMailFacts {
  displayName: string;
  username: string;
  /** '' for the appliance. */
  vaultName: string;
  signInUrl: string;
  password: Secret;
}

export function firstPasswordMail(facts: PasswordMailFacts): Mail {
  return {
    subject: `Your account for ${place(facts)}`,
    text: paragraphs(
      `Hello ${facts.displayName},`,
      `an account for ${place(facts)} has been made for you.`,
      access(facts),
      'This password works for seven days. You will be asked to choose one of your own when you sign in, and we recommend that you set up a second factor then.',
      'If you did not expect this mail, tell whoever runs Holdfast in your organisation.',
    ),
  };
}

export function resetMail(facts: PasswordMailFacts): Mail {
  return {
    subject: `Your new password for ${place(facts)}`,
    text: paragraphs(
      `Hello ${facts.displayName},`,
      `an administrator has given you a new password for ${place(facts)}. The one that you had no longer works, and all your sessions have ended.`,
      access(facts),
      'This password works for seven days. You will be asked to choose one of your own when you sign in.',
      'If you did not ask for this, tell whoever runs Holdfast in your organisation at once.',
    ),
  };
}

export function testMail(publicUrl: string): Mail {
  return {
    subject: 'Test mail from Holdfast',
    text: paragraphs(
      `This is a test: the mail settings of the Holdfast appliance at ${publicUrl} work.`,
      'Nothing needs to be done.',
    ),
  };
}

function place({ vaultName }: PasswordMailFacts): string {
  return vaultName === '' ? 'the Holdfast appliance' : `the vault “${vaultName}” in Holdfast`;
}

function access({ signInUrl, username, password }: PasswordMailFacts): string {
  return `Sign in at:  ${signInUrl}\nUsername:    ${username}\nPassword:    ${password.reveal()}`;
}

function paragraphs(...texts: readonly string[]): string {
  return `${texts.join('\n\n')}\n`;
}
