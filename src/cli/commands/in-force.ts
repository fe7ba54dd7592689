import type { Command } from 'commander';
import { counted } from '../../counted.ts';
import { at } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { exitCodes } from '../output/exit-codes.ts';
import { isForPrograms, printData } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import { print } from '../output/streams.ts';

export function addInForceCommand(program: Command): void {
  example(
    program
      .command('in-force')
      .description(
        'tell whether all that was disabled, frozen or withdrawn is in force on every node; exits with 0 if it is, otherwise with 1',
      )
      .option('--revision <revision>', 'only up to this one, as the command that was not in force told it')
      .action(async ({ revision }: { revision?: string }, command: Command) =>
        withApi(command, async ({ client, options }) => {
          const told = await client.get(at('/in-force'), revision === undefined ? {} : { revision });
          if (isForPrograms(options)) printData(told, options);
          else if (told.nodes === 0) print('in force: every node asks the store at each request');
          else print(`in force on ${told.confirmed + told.ended} of ${counted(told.nodes, 'node')}`);
          if (!isForPrograms(options))
            for (const { nodeId, hostname, seconds } of told.waiting)
              print(printable(`waiting for node ${nodeId} (${hostname}), for ${seconds} s at most`));
          if (!told.inForce) process.exitCode = exitCodes.problemFound;
        }),
      ),
    'holdfast in-force',
    'holdfast in-force --revision 1207.mZ1x3vTq8LkcR0aW',
  );
}
