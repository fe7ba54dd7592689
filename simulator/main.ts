import { createCommand } from './command.ts';

await createCommand().parseAsync();
