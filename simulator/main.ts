import { createCommand } from './command.ts';

const usageError = 64;

await createCommand((line, exitCode) => {
  console.error(line);
  process.exitCode = exitCode;
})
  .exitOverride(({ exitCode }) => {
    process.exit(exitCode === 0 ? 0 : usageError);
  })
  .parseAsync();
