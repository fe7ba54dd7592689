import { appendFileSync, readFileSync } from 'node:fs';
import test from 'ava';

/*
 * Loaded by AVA before each test file: notes what the file took where scripts/check asks for it, in seconds: by the wall
 * clock, on cores with all processes that it started and waited for, and its name.
 */

const target = process.env['HOLDFAST_TEST_TIMES'];
/** Clock ticks of proc(5). */
const ticksPerSecond = 100;

if (target !== undefined)
  process.once('exit', () => {
    // After the name: utime, stime, cutime and cstime are fields 14 to 17.
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    const file = /\/test\/(.*)\.test\.ts$/.exec(test.meta.file)?.[1] ?? test.meta.file;
    appendFileSync(target, `${process.uptime().toFixed(1)} ${(ticks / ticksPerSecond).toFixed(1)} ${file}\n`);
  });
