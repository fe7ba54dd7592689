import { shellWord as w } from '../frame/shell-word.ts';

/* The commands that do the same as the console. A test has each of them read by the command line itself. */

const option = (name: string, value: string | number | undefined | null) =>
  value === undefined || value === null || value === '' ? '' : ` --${name} ${w(String(value))}`;
const flag = (name: string, isOn: boolean | undefined) => (isOn === true ? ` --${name}` : '');

export const commands = {
  passwordChange: () => 'holdfast password',
  secondFactorOn: () => 'holdfast second-factor enable',
  secondFactorOff: () => 'holdfast second-factor disable',
  recoveryCodes: () => 'holdfast second-factor recovery-codes',
  sessionEnd: (id: string) => `holdfast session end ${w(id)}`,
  apiKeyCreate: (name: string, scope: readonly string[], days: string) =>
    `holdfast api-key create ${w(name === '' ? 'NAME' : name)}${scope.map((one) => option('scope', one)).join('')}${option('expires', `${days}d`)}`,
  apiKeyRevoke: (name: string) => `holdfast api-key revoke ${w(name)}`,
} as const;

export { flag, option };
