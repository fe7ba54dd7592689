import { Option, type Command } from 'commander';
import { withApi, type Api } from './api.ts';
import type { Found } from './collection.ts';
import { example } from './example.ts';
import { anyName, cloudKeysPath, findCloudKey, keySetOption } from './find-cloud-key.ts';
import { tellCloudKey } from './tell-cloud-key.ts';
import { confirm } from './prompt.ts';
import { parseCount, yesOption } from './values.ts';

/** What is done to a CloudKey over its life. */
export function addCloudKeyActs(cloudKey: Command): void {
  for (const [verb, description] of [
    ['disable', 'stop the use of a CloudKey: seen by every later request'],
    ['enable', 'open a disabled CloudKey again; an expired one wants a later --expires first (edit)'],
    ['rotate', 'make a new version now; old ciphertext stays readable'],
    [
      'cancel-deletion',
      'change your mind before the waiting time is over: the CloudKey is disabled, not gone',
    ],
  ] as const) {
    const command = addAct(cloudKey, verb, description, async (api, { id }, { cloud }) =>
      act(api, id, verb, cloud === undefined ? undefined : { cloud }),
    );
    if (verb !== 'rotate') command.addOption(cloudOption());
  }
  const remove = addAct(
    cloudKey,
    'delete',
    'schedule the deletion of a CloudKey: disabled at once, its key objects destroyed after the waiting time',
    async (api, found, { days, yes, cloud }) => {
      await confirm(
        `Delete the CloudKey ${String(found['name'])} in ${days} days? What it has encrypted cannot be decrypted by anyone afterwards.`,
        yes,
      );
      await act(api, found.id, 'schedule-deletion', { days, ...(cloud === undefined ? {} : { cloud }) });
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
    'ours, or both: its KMS keys in AWS as well. Nothing here waits for AWS; what it does not do at once is repeated',
  ).choices(['ours', 'both']);
}

interface ActWish {
  keySet?: string;
  days: number;
  cloud?: string;
  yes?: boolean;
}

function addAct(
  parent: Command,
  verb: string,
  description: string,
  run: (api: Api, found: Found, wish: ActWish) => Promise<void>,
): Command {
  const command = parent
    .command(`${verb} <cloud-key>`)
    .description(`${description}; ${anyName}`)
    .addOption(keySetOption())
    .action(async (name: string, wish: ActWish, command: Command) =>
      withApi(command, async (api) => run(api, await findCloudKey(api, name, wish.keySet), wish)),
    );
  return example(command, `holdfast cloud-key ${verb} payroll${verb === 'delete' ? ' --days 7' : ''}`);
}

async function act(api: Api, id: string, action: string, body?: object): Promise<void> {
  const path = `${cloudKeysPath(api)}/${id}`;
  const changed = await api.client.change<object | undefined>(path, {
    method: 'POST',
    action: `/${action}`,
    body,
  });
  tellCloudKey(api, changed ?? (await api.client.get(path)));
}
