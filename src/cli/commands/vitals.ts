import { Option, type Command } from 'commander';
import { at } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { isForPrograms, printData, printRecord } from '../output/output.ts';
import { nodesInWords, rangeOption, tokenInWords, type Range } from '../records/series-words.ts';

export function addVitalsCommand(program: Command): void {
  example(
    program
      .command('vitals')
      .description(
        'show how the nodes were over time: tokens, leases, the database, budgets, certificates; with -o json step by step, for charts',
      )
      .addOption(rangeOption())
      .addOption(new Option('--node <node>', 'of the node with this id alone'))
      .action(async ({ range, node }: { range: Range; node?: string }, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const vitals = await client.get(at('/vitals'), { range, ...(node === undefined ? {} : { node }) });
          if (isForPrograms(options)) return printData(vitals, options);
          const { points: _, tokens, nodes, ...whole } = vitals;
          printRecord(
            { ...whole, nodes: nodesInWords(nodes), tokens: tokens.map((token) => tokenInWords(token)) },
            options,
          );
        }),
      ),
    'holdfast vitals --range 1d',
  );
}
