import type { Command } from 'commander';
import { at } from '../client/address.ts';
import type { ApiClient } from '../client/api-client.ts';
import { withApi, type Api } from '../client/api.ts';
import { example } from '../output/example.ts';
import { isForPrograms, printDone } from '../output/output.ts';
import { readSecret } from '../client/prompt.ts';
import { showSecret, withNewSecretFile, type Made } from '../client/secret-file.ts';
import { print } from '../output/streams.ts';

interface SecondFactorInput {
  passwordFile?: string;
  codeFile?: string;
  recoveryCodesFile?: string;
}

export function addSecondFactorCommands(program: Command): void {
  const secondFactor = program
    .command('second-factor')
    .description('your own second factor: codes of an authenticator app (TOTP), and recovery codes');
  const add = (
    verb: string,
    description: string,
    withCodes: boolean,
    act: (api: Api, input: SecondFactorInput) => Promise<void>,
  ) => {
    const command = secondFactor
      .command(verb)
      .description(description)
      .option('--password-file <file>', 'a file of mode 0600 with your password, or - for standard input')
      .option(
        '--code-file <file>',
        'the same, with a code of the app or, where there is one already, a recovery code',
      );
    if (withCodes)
      command.option(
        '--recovery-codes-file <file>',
        'write the recovery codes here, mode 0600, instead of showing them',
      );
    command.action(async (input: SecondFactorInput, command: Command) =>
      withApi(command, async (api) => act(api, input)),
    );
    example(command, `holdfast second-factor ${verb}`);
  };
  add(
    'enable',
    'show a secret for the app, and turn the second factor on once a code from the app confirms it',
    true,
    enable,
  );
  add('disable', 'turn it off', false, async ({ client, options }, input) => {
    const body = { password: await password(input), code: await code(input) };
    await client.send('DELETE', at('/user/totp'), { body });
    printDone('the second factor is off', { secondFactor: false }, options);
  });
  add(
    'recovery-codes',
    'generate ten new recovery codes; the old ones no longer work',
    true,
    async (api, input) => {
      const body = { password: await password(input), code: await code(input) };
      await showRecoveryCodes(api, input, async (client) =>
        client.post(at('/user/totp/recovery-codes'), body),
      );
    },
  );
}

async function enable(api: Api, input: SecondFactorInput): Promise<void> {
  const { client, options } = api;
  const secret = await client.post(at('/user/totp'), { password: await password(input) });
  print(
    isForPrograms(options)
      ? // A line of its own: a program reads it before it can give a code.
        JSON.stringify(secret)
      : `Put this into the app, as a key or as an address:\n\n  ${secret.secret}\n  ${secret.otpauthUri}\n`,
  );
  await showRecoveryCodes(api, input, async () =>
    client.post(at('/user/totp/confirmation'), { code: await code(input) }),
  );
}

async function showRecoveryCodes(
  { client, options }: Api,
  { recoveryCodesFile: file }: SecondFactorInput,
  make: (client: ApiClient) => Promise<{ recoveryCodes: string[] }>,
): Promise<void> {
  if (file !== undefined) {
    await withNewSecretFile(file, async (write) => {
      const { recoveryCodes } = await make(client);
      write(`${recoveryCodes.join('\n')}\n`, newCodes);
    });
    printDone(`the second factor is on; recovery codes are in ${file}`, { recoveryCodesFile: file }, options);
    return;
  }
  const { recoveryCodes } = await make(client);
  showSecret(newCodes, () => {
    printDone(
      'The second factor is on. Recovery codes, each good once; keep them where the app is not:',
      { recoveryCodes },
      options,
    );
    if (!isForPrograms(options)) for (const one of recoveryCodes) print(`  ${one}`);
  });
}

const newCodes: Made = {
  what: 'a list of recovery codes',
  undo: 'the second factor is on: holdfast second-factor recovery-codes makes others in their place',
};

async function password({ passwordFile: file }: SecondFactorInput): Promise<string> {
  return (await readSecret({ what: 'password', option: '--password-file', file })).reveal();
}

async function code({ codeFile: file }: SecondFactorInput): Promise<string> {
  const secret = await readSecret({ what: 'code of the app', option: '--code-file', file });
  return secret.reveal().replaceAll(' ', '');
}
