import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a quickstart has made, for whoever has just seen it come up. */
export interface QuickstartFacts {
  /** Ports. */
  xks: number;
  admin: number;
  /** HOLDFAST_HOME, absolute. */
  home: string;
  username: string;
  /** Where AWS's KMS is, if elsewhere than it is. */
  aws: string | undefined;
  /** Id of the first vault. */
  vault: string | undefined;
}

const rule = '-'.repeat(80);

/**
 * The last word of `make up`: addresses, files, four commands to try, with a rule above and below, so that a command can be
 * copied as it stands.
 */
export function quickstartGuide({ xks, admin, home, username, aws, vault }: QuickstartFacts): string {
  const here = (file: string) => {
    const relative = path.relative(process.cwd(), file);
    return shellWord(relative.startsWith('..') ? file : relative);
  };
  const files = path.join(home, 'quickstart');
  const command = here(fileURLToPath(new URL('../../../bin/holdfast', import.meta.url)));
  const vaultOption = vault === undefined ? [] : [`    --vault ${vault} \\`];
  return [
    rule,
    `  XKS proxy        https://localhost:${xks}   what AWS KMS calls`,
    `  console          https://localhost:${admin}${vault === undefined ? '/' : `/sign-in/${vault}`}   for people, in a browser`,
    `  management API   https://localhost:${admin}   what people and programs call`,
    ...(aws === undefined ? [] : [`  AWS              ${aws}   the simulator, as conf.d says`]),
    '',
    `  in ${here(files)}, for your eyes only:`,
    '    xks-proxy-config.json   URI path and credential, as the AWS console takes them',
    '    keys.json               ids of four keys to encrypt and decrypt with',
    '    admin.json              username and password; admin.password: the password alone',
    '    ca.pem                  the CA behind both addresses',
    '',
    '  Try, in another terminal:',
    '',
    `  ${command} --ca ${here(path.join(files, 'ca.pem'))} login \\`,
    `    --endpoint https://localhost:${admin} --username ${username} \\`,
    ...vaultOption,
    `    --password-file ${here(path.join(files, 'admin.password'))}`,
    ...(vault === undefined
      ? [`  ${command} vault list`, `  ${command} token list`]
      : [
          `  ${command} cloud-key list`,
          `  ${command} cloud-key disable encrypt-decrypt`,
          `  ${command} cloud-key enable encrypt-decrypt`,
          '',
          '  That is the vault. Nodes, tokens and vaults are the appliance’s: sign in without',
          '  --vault, with the same name and password (holdfast --profile appliance login … keeps both).',
        ]),
    '',
    '  A request as AWS KMS sends it: README.md, "One request".',
    aws === undefined
      ? '  All of it, with an AWS to play with: make demo, or docs/simulator.md, "With make up".'
      : '  From an account in the simulator to a KMS key: docs/simulator.md, "With make up".',
    '  Ctrl-C ends the node; its keys are there again next time.',
    rule,
  ].join('\n');
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
