import { Option, type Command } from 'commander';
import { wallClock } from '../../clock.ts';
import { one } from '../client/address.ts';
import { withApi, type Api } from '../client/api.ts';
import { example } from '../output/example.ts';
import {
  cloudKeyArgument,
  cloudKeysPath,
  findCloudKey,
  keySetOption,
  type CloudKey,
} from './find-cloud-key.ts';
import { timeText } from '../output/said.ts';
import { tellCloudKeyChange } from './tell-cloud-key.ts';
import { confirm } from '../client/prompt.ts';
import { parseCount, reasonIn, reasonOption, yesOption } from '../output/values.ts';
import { counted } from '../../counted.ts';

const pathOfVerb = {
  disable: '/disable',
  enable: '/enable',
  'cancel-deletion': '/cancel-deletion',
} as const;

/** What is done to a CloudKey over its life. */
export function addCloudKeyActs(cloudKey: Command): void {
  for (const [verb, description] of [
    ['disable', 'disable a CloudKey: once this returns, no later request succeeds'],
    ['enable', 'enable a disabled CloudKey again; an expired one needs a later --expires first (edit)'],
    ['rotate', 'rotate a CloudKey: generate a new version; old ciphertext can still be decrypted'],
    ['cancel-deletion', 'cancel the pending deletion of a CloudKey; it stays disabled until it is enabled'],
  ] as const) {
    const command = addAct(cloudKey, verb, description, async (api, before, { cloud, ...input }) =>
      tellCloudKeyChange(
        api,
        { verb, before },
        verb === 'rotate'
          ? (await api.client.act(at(api, before), '/rotate')).after
          : (await api.client.act(at(api, before), pathOfVerb[verb], { cloud, ...reasonIn(input) })).after,
      ),
    );
    if (verb !== 'rotate') command.addOption(cloudOption()).addOption(reasonOption());
  }
  const remove = addAct(
    cloudKey,
    'delete',
    'schedule the deletion of a CloudKey: it is disabled at once, and its key objects are destroyed after ' +
      'the waiting period',
    async (api, found, { days, yes, cloud, ...input }) => {
      const when = new Date(wallClock().getTime() + days * 86_400_000).toISOString();
      await confirm(
        `Delete the CloudKey ${found.name} on ${timeText(when).slice(0, 10)}, in ${counted(days, 'day')}? What it has encrypted cannot be decrypted by anyone afterwards.`,
        yes,
      );
      const body = { days, cloud, ...reasonIn(input) };
      const { after } = await api.client.act(at(api, found), '/schedule-deletion', body);
      await tellCloudKeyChange(api, { verb: 'schedule-deletion', before: found, days }, after);
    },
  );
  remove
    .addOption(
      new Option('--days <days>', 'waiting period in which it can be cancelled, 7 to 30 days')
        .argParser(parseCount(7, 30))
        .default(30),
    )
    .addOption(cloudOption())
    .addOption(reasonOption())
    .addOption(yesOption());
}

function cloudOption(): Option {
  return new Option(
    '--cloud <side>',
    'ours, or both to do the same to its KMS keys in AWS; the command does not wait for AWS, and what AWS ' +
      'does not do at once is retried',
  ).choices(['ours', 'both']);
}

interface ActInput {
  keySet?: string;
  days: number;
  cloud?: 'ours' | 'both';
  reason?: string;
  yes?: boolean;
}

function addAct(
  parent: Command,
  verb: string,
  description: string,
  run: (api: Api, found: CloudKey, input: ActInput) => Promise<void>,
): Command {
  const command = parent
    .command(verb)
    .addArgument(cloudKeyArgument())
    .description(description)
    .addOption(keySetOption())
    .action(async (name: string, input: ActInput, command: Command) =>
      withApi(command, async (api) => run(api, await findCloudKey(api, name, input.keySet), input)),
    );
  return example(command, `holdfast cloud-key ${verb} payroll${verb === 'delete' ? ' --days 7' : ''}`);
}

function at(api: Api, { id }: CloudKey) {
  return one(cloudKeysPath(api), id);
}
