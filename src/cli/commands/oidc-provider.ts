import { Option, type Command } from 'commander';
import type { Schemas } from '../client/api-types.ts';
import { given, withApi } from '../client/api.ts';
import { readCa } from '../client/connection.ts';
import { example } from '../output/example.ts';
import { printChanged, printDone, printRecord } from '../output/output.ts';
import { readSecret } from '../client/prompt.ts';
import { collect, reasonIn, reasonOption, type Reasoned } from '../output/values.ts';

interface OidcInput {
  issuer: string;
  clientId: string;
  clientSecretFile?: string;
  publicClient?: boolean;
  providerCa?: string;
  scope?: string[];
  usernameClaim?: Schemas['OidcProvider']['usernameClaim'];
}

/** Single sign-on of the vault that is signed in to, or of the appliance. */
// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addOidcProviderCommands(program: Command): void {
  const provider = program
    .command('oidc-provider')
    .description(
      'single sign-on: the OpenID Connect provider of the vault that you are signed in to, or of the appliance',
    );
  example(
    provider
      .command('show')
      .description('show the provider; its client secret is not shown')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options, here }) =>
          printRecord(await client.get(here('/oidc-provider')), options),
        ),
      ),
    'holdfast oidc-provider show',
  );
  example(
    provider
      .command('set')
      .description('set up single sign-on, replacing the current settings')
      .requiredOption('--issuer <url>', 'issuer of the provider')
      .requiredOption('--client-id <id>', 'client id of Holdfast at the provider')
      .option(
        '--client-secret-file <file>',
        'a file of mode 0600 with the client secret, or - for standard input; the stored one is kept if omitted',
      )
      .option('--public-client', 'there is no client secret')
      .option('--provider-ca <file>', 'CA certificates to verify the provider with, instead of the system’s')
      .addOption(new Option('--scope <scopes>', 'scopes to ask for').argParser(collect))
      .addOption(
        new Option('--username-claim <claim>', 'claim that identifies a user at the first sign-in').choices([
          'email',
          'preferred_username',
        ]),
      )
      .action(async (input: OidcInput, command: Command) =>
        withApi(command, async ({ client, options, here }) => {
          const { clientSecretFile: file } = input;
          const secret =
            file === undefined
              ? undefined
              : await readSecret({ what: 'client secret', option: '--client-secret-file', file });
          const body = given({
            issuer: input.issuer,
            clientId: input.clientId,
            clientSecret: input.publicClient === true ? null : secret?.reveal(),
            caCertificates: input.providerCa === undefined ? undefined : readCa(input.providerCa),
            scopes: input.scope,
            usernameClaim: input.usernameClaim,
          });
          printChanged(
            `single sign-on is set up with ${input.issuer}; try it: holdfast login --oidc`,
            await client.put(here('/oidc-provider'), body),
            options,
          );
        }),
      ),
    'holdfast oidc-provider set --issuer https://id.example.com --client-id holdfast --client-secret-file oidc.secret',
  );
  example(
    provider
      .command('delete')
      .description('turn single sign-on off; users who can sign in only this way no longer can')
      .addOption(reasonOption())
      .action(async (input: Reasoned, command: Command) =>
        withApi(command, async ({ client, options, here }) => {
          await client.remove(here('/oidc-provider'), undefined, reasonIn(input));
          printDone('single sign-on is off', { deleted: true }, options);
        }),
      ),
    'holdfast oidc-provider delete',
  );
}
