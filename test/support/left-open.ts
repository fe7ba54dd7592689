import test, { registerCompletionHandler } from 'ava';

/*
 * Loaded by AVA before each test file. What a file leaves open, such as the node of a hook that failed half way, would keep
 * its process until AVA gives the whole run up, five minutes later and without a word of why: it ends here, and is named.
 */

/** What ends by itself may take so long on a busy machine, milliseconds. */
const timeout = 60_000;

registerCompletionHandler(() => {
  setTimeout(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`${test.meta.file} is over, but this is open still: ${open}\n`);
    process.exit(1);
  }, timeout).unref();
});

// AVA is no more: it was ended by whoever ended the run. Nobody waits for this file, which would go on by itself.
process.once('disconnect', () => process.exit(1));
