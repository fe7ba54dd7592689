import { Option, type Command } from 'commander';
import { behind, one, type ItemOf } from '../../client/address.ts';
import type { Schemas } from '../../client/api-types.ts';
import { withApi } from '../../client/api.ts';
import { CliError } from '../../output/cli-error.ts';
import { addAct, findOne, type Collection } from '../../records/collection.ts';
import { example } from '../../output/example.ts';
import { isForPrograms, printChanged, printData, printList, printRecord } from '../../output/output.ts';
import { isWide, type OutputOptions } from '../../output/output-options.ts';
import { limitOption } from '../../output/values.ts';
import { print } from '../../output/streams.ts';

type Check = NonNullable<Schemas['CspAccount']['check']>;

const documents = ['policy', 'trust', 'assuming'] as const;
type Document = (typeof documents)[number];

/** What is done with a CSP account in AWS. */
// oxlint-disable-next-line max-lines-per-function -- a list of commands
export function addCspAccountActs(
  account: Command,
  cspAccounts: Collection<'/vaults/{vaultId}/csp-accounts'>,
): void {
  addAct(account, cspAccounts, {
    verb: 'check',
    description: 'sign in to AWS, and show which permissions are missing',
    act: async (api, record, { name }) => {
      const { check } = (await api.client.act(record, '/check')).after;
      // An account by hand is not checked: the API refuses that.
      if (check === null) return;
      printRecord(isForPrograms(api.options) ? check : forPeople(check, name, api.options), api.options);
      // A script must be able to tell.
      if (!check.ok)
        throw new CliError(
          'refused',
          check.problem?.message ?? 'permissions are missing',
          check.problem?.remediation ??
            'holdfast csp-account policy prints the least policy; what was allowed a moment ago takes effect in AWS after seconds, sometimes minutes: then check again',
        );
    },
  });
  addAct(account, cspAccounts, {
    verb: 'rotate-access-key',
    description: 'create another access key in IAM, switch to it and delete the old one',
    act: async (api, record, { name }) => {
      const { after } = await api.client.act(record, '/rotate-access-key');
      const { accessKeyId, accessKeyRotationState: state } = after;
      const how = state === null ? 'the old one is deleted in IAM' : 'it continues automatically';
      printChanged(
        `${name} ${state === null || state === 'SWITCHED' ? 'signs in' : 'still signs in'} with the access key ${String(accessKeyId)}; ${how}.`,
        after,
        api.options,
      );
    },
  });
  example(
    account
      .command('policy <csp-account>')
      .description('print the least-privilege IAM policy for it, and the trust policy of a role')
      .addOption(
        new Option(
          '--document <which>',
          'only this one, as JSON: of the user or role, the role’s trust policy, or of the user who assumes it',
        ).choices(documents),
      )
      .action(async (name: string, { document }: { document?: Document }, command: Command) =>
        withApi(command, async (api) => {
          const { id } = await findOne(api, cspAccounts, name);
          const policies = await api.client.get(behind(one(cspAccounts.path(api), id), '/policy'));
          if (document !== undefined) printData(documentOf(policies, document), api.options);
          else if (isForPrograms(api.options)) printData(policies, api.options);
          else printPolicies(policies);
        }),
      ),
    'holdfast csp-account policy aws-payments --document policy > policy.json',
  );
  example(
    account
      .command('principals <csp-account>')
      .description('list IAM roles and users of the AWS account, to choose who may use a key')
      .addOption(new Option('--kind <kind>', 'only these; both if omitted').choices(['user', 'role']))
      .option('--path <prefix>', 'only those whose path starts with this, such as /teams/')
      .addOption(limitOption())
      .action(
        async (
          name: string,
          { kind, path, limit }: { kind?: 'role' | 'user'; path?: string; limit?: number },
          command: Command,
        ) =>
          withApi(command, async (api) => {
            const { id } = await findOne(api, cspAccounts, name);
            const list = behind(one(cspAccounts.path(api), id), '/principals');
            const found: ItemOf<'/vaults/{vaultId}/csp-accounts/{cspAccountId}/principals'>[] = [];
            for (const asked of kind === undefined ? (['role', 'user'] as const) : [kind])
              if (limit === undefined || found.length < limit)
                found.push(
                  ...(await api.client.list(
                    list,
                    { kind: asked, pathPrefix: path },
                    limit === undefined ? undefined : limit - found.length,
                  )),
                );
            printList(
              found,
              {
                name: ({ name }) => name,
                kind: ({ arn }) => /:(role|user)\//.exec(arn)?.[1],
                ARN: ({ arn }) => arn,
                created: ({ createdAt }) => createdAt,
              },
              api.options,
              { name: ({ arn }) => arn },
            );
          }),
      ),
    'holdfast csp-account principals aws-payments --kind role --path /teams/',
  );
}

/**
 * Before there is a policy everything is missing: that is one thing to do, not thirty. A problem is told once, as the error of
 * the command.
 */
function forPeople(check: Check, name: string, options: OutputOptions): object {
  const { problem: _, ...rest } = check;
  const { missing } = rest;
  if (missing.length <= maxNamed || isWide(options)) return rest;
  return {
    ...rest,
    missing: `${missing.length} permissions, such as ${missing[0] ?? ''}; holdfast csp-account policy ${name} prints the policy that gives them, -o wide names each`,
  };
}

const maxNamed = 5;

type Policies = Schemas['CspAccountPolicy'];

function documentsOf({ policy, trustPolicy, assumingPolicy }: Policies): Record<Document, object | null> {
  return { policy, trust: trustPolicy, assuming: assumingPolicy };
}

function documentOf(policies: Policies, which: Document): object {
  const document = documentsOf(policies)[which];
  if (document === null)
    throw new CliError(
      'conflict',
      'this CSP account has no such policy',
      'trust is of type role, assuming of a role with an access key',
    );
  return document;
}

const titles: Readonly<Record<Document, string>> = {
  policy: 'Policy of the IAM user or role that works in KMS:',
  trust: 'Trust policy of the role:',
  assuming: 'Policy of the IAM user who assumes the role:',
};

function printPolicies(policies: Policies): void {
  for (const which of documents) {
    const document = documentsOf(policies)[which];
    if (document !== null) print(`${titles[which]}\n${JSON.stringify(document, null, 2)}\n`);
  }
  print('What each statement is for:');
  for (const { sid, why } of policies.statements) print(`  ${sid}: ${why}`);
}
