/*
 * Loaded by AVA before each test file. To kill(2), process 0 is the caller's own process group and -1 is every process that it
 * may signal. A test means neither: either comes of a pid that was not there and had a default, and would end the whole run, or
 * more, without a word of why. So it is refused, and the test that did it fails.
 */

const kill = process.kill.bind(process);

process.kill = (pid, signal) => {
  if (pid === 0 || pid === -1)
    throw new RangeError(`no test may signal process ${pid}: the process that it meant is not there`);
  return kill(pid, signal);
};
