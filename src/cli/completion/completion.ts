import { Argument, type Command } from 'commander';
import { shells } from './completion-scripts.ts';
import { treeOf } from './completion-tree.ts';
import { write } from '../output/streams.ts';
import { example } from '../output/example.ts';

export function addCompletionCommand(program: Command): void {
  example(
    program
      .command('completion')
      .description('print a script that has the shell complete commands, options and their values')
      .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(shells)))
      .action((shell: keyof typeof shells) => {
        write(shells[shell](treeOf(program)));
      }),
    'source <(holdfast completion bash)',
    'holdfast completion zsh > ~/.zfunc/_holdfast',
    'holdfast completion fish > ~/.config/fish/completions/holdfast.fish',
  );
}
