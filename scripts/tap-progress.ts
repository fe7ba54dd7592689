import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/*
 * Reads AVA's TAP from standard input: prints a dot line every 25 tests so that a log shows progress, failures whole,
 * and writes "passed failed" into the file named as its argument.
 */

const resultFile = process.argv[2];
if (resultFile === undefined) throw new Error('usage: tap-progress.ts RESULT-FILE');
let passed = 0;
let failed = 0;
let isFailure = false;
const began = Date.now();

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('ok ')) {
    isFailure = false;
    passed++;
    if (passed % 25 === 0)
      console.log(`   ${passed} tests passed, ${Math.round((Date.now() - began) / 1000)} s`);
  } else if (line.startsWith('not ok ')) {
    isFailure = true;
    failed++;
    console.log(line);
  } else if (isFailure || !/^($|TAP|\d+\.\.|# (tests|pass|fail|skip|todo)|#? |---|\s+\.\.\.)/.test(line)) {
    console.log(line);
  }
}
writeFileSync(resultFile, `${passed} ${failed}\n`);
