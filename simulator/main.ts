import { createCommand } from './command.ts';

await createCommand((line, exitCode) => {
  console.error(line);
  process.exitCode = exitCode;
}).parseAsync();
