import type { Command } from 'commander';

/** The global options that commands on the node itself have. */
export interface GlobalOptions {
  config: string;
  json?: boolean;
}

export function globalOptions(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>();
}
