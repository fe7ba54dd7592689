import { Option, type Command } from 'commander';
import type { Schemas } from '../client/api-types.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { isForPrograms, printData, printRecord } from '../output/output.ts';

type Range = Schemas['Traffic']['range'];

const ranges = ['1h', '3h', '12h', '1d', '1w', '30d'] as const satisfies readonly Range[];

export function addTrafficCommand(program: Command): void {
  example(
    program
      .command('traffic')
      .description(
        'show how many requests AWS sent and how they were answered; with -o json step by step, for charts',
      )
      .addOption(new Option('--range <range>', 'how far back').choices(ranges).default('1h'))
      .action(async ({ range }: { range: Range }, command: Command) =>
        withApi(command, async ({ client, here, options }) => {
          const traffic = await client.get(here('/traffic'), { range });
          if (isForPrograms(options)) return printData(traffic, options);
          const { points: _, ...whole } = traffic;
          printRecord(whole, options);
        }),
      ),
    'holdfast traffic --range 1d',
  );
}
