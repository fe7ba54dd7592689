import { Option, type Command } from 'commander';
import { wallClock } from '../../clock.ts';
import { given, withApi, type Api } from '../client/api.ts';
import type { Found } from '../records/collection.ts';
import { example } from '../output/example.ts';
import { cloudKeyArgument, cloudKeysPath, findCloudKey, keySetOption } from './find-cloud-key.ts';
import type { KeyChange } from '../records/cloud-key-sentences.ts';
import { timeText } from '../output/said.ts';
import { tellCloudKeyChange } from './tell-cloud-key.ts';
import { confirm } from '../client/prompt.ts';
import { parseCount, yesOption } from '../output/values.ts';
import { counted } from '../../counted.ts';

/** What is done to a CloudKey over its life. */
export function addCloudKeyActs(cloudKey: Command): void {
  for (const [verb, description] of [
    ['disable', 'stop all use of a CloudKey: once it returns, no later request succeeds'],
    ['enable', 'enable a disabled CloudKey again; an expired one needs a later --expires first (edit)'],
    ['rotate', 'make a new version of a CloudKey now; old ciphertext stays readable'],
    [
      'cancel-deletion',
      'cancel the deletion of a CloudKey while it is pending; it stays disabled until it is enabled',
    ],
  ] as const) {
    const command = addAct(cloudKey, verb, description, async (api, before, { cloud }) =>
      act(api, { verb, before }, cloud === undefined ? undefined : { cloud }),
    );
    if (verb !== 'rotate') command.addOption(cloudOption());
  }
  const remove = addAct(
    cloudKey,
    'delete',
    'schedule the deletion of a CloudKey: disabled at once, its key objects destroyed after the waiting time',
    async (api, found, { days, yes, cloud }) => {
      const at = new Date(wallClock().getTime() + days * 86_400_000).toISOString();
      await confirm(
        `Delete the CloudKey ${String(found['name'])} on ${timeText(at).slice(0, 10)}, in ${counted(days, 'day')}? What it has encrypted cannot be decrypted by anyone afterwards.`,
        yes,
      );
      await act(api, { verb: 'schedule-deletion', before: found, days }, { days, ...given({ cloud }) });
    },
  );
  remove
    .addOption(
      new Option('--days <days>', 'waiting time in which it can be cancelled, 7 to 30 days')
        .argParser(parseCount(7, 30))
        .default(30),
    )
    .addOption(cloudOption())
    .addOption(yesOption());
}

function cloudOption(): Option {
  return new Option(
    '--cloud <side>',
    'ours, or both to do the same to its KMS keys in AWS. Nothing here waits for AWS; what AWS does not do at once is retried',
  ).choices(['ours', 'both']);
}

interface ActInput {
  keySet?: string;
  days: number;
  cloud?: string;
  yes?: boolean;
}

function addAct(
  parent: Command,
  verb: string,
  description: string,
  run: (api: Api, found: Found, input: ActInput) => Promise<void>,
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

async function act(api: Api, change: KeyChange & { before: Found }, body?: object): Promise<void> {
  const path = `${cloudKeysPath(api)}/${change.before.id}`;
  const after = await api.client.change(path, { method: 'POST', action: `/${change.verb}`, body });
  await tellCloudKeyChange(api, change, after);
}
