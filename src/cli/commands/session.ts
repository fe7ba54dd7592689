import type { Command } from 'commander';
import { at } from '../client/address.ts';
import { withApi } from '../client/api.ts';
import { example } from '../output/example.ts';
import { printDone, printList } from '../output/output.ts';

export function addSessionCommands(program: Command): void {
  const session = program.command('session').description('your own sessions, wherever they were started');
  example(
    session
      .command('list')
      .description('list your sessions: from where, by which program, when last seen')
      .action(async (_: unknown, command: Command) =>
        withApi(command, async ({ client, options }) =>
          printList(
            await client.list(at('/user/sessions')),
            {
              // They have no other name.
              id: { of: ({ id }) => id, wide: false },
              current: ({ current }) => current,
              'last seen': ({ lastSeenAt }) => lastSeenAt,
              address: ({ address }) => address,
              program: { of: ({ userAgent }) => userAgent, freeText: true },
              state: ({ state }) => state,
              method: ({ method }) => method,
              expires: ({ expiresAt }) => expiresAt,
            },
            options,
          ),
        ),
      ),
    'holdfast session list',
  );
  example(
    session
      .command('end <session-id>')
      .description('end one of your sessions, at once')
      .action(async (id: string, _: unknown, command: Command) =>
        withApi(command, async ({ client, options }) => {
          await client.send('DELETE', at('/user/sessions/{sessionId}', { sessionId: id }));
          printDone('the session is ended', { id, ended: true }, options);
        }),
      ),
    'holdfast session end 9c8a2a52-4d0c-4a8e-8f49-0f6f0d2f8f5e',
  );
}
