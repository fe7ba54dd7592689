#!/usr/bin/env -S node --disable-sigusr1
import { runCommandLine } from './cli/run.ts';

process.exitCode = await runCommandLine();
