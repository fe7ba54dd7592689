#!/usr/bin/env node
import { reportFailure } from './cli/failure.ts';
import { createProgram } from './cli/program.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = await reportFailure(error);
}
