import type { Command } from 'commander';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { isForPrograms, printData, printRecord } from '../output/output.ts';
import { nodesInWords, rangeOption, type Range } from '../records/series-words.ts';

export function addTrafficCommand(program: Command): void {
  example(
    program
      .command('traffic')
      .description(
        'show how many requests AWS sent and how they were answered; with -o json step by step, for charts',
      )
      .addOption(rangeOption())
      .action(async ({ range }: { range: Range }, command: Command) =>
        withApi(command, async ({ client, here, options }) => {
          const traffic = await client.get(here('/traffic'), { range });
          if (isForPrograms(options)) return printData(traffic, options);
          const { points: _, nodes, ...whole } = traffic;
          printRecord({ ...whole, nodes: nodesInWords(nodes) }, options);
        }),
      ),
    'holdfast traffic --range 1d',
  );
}
