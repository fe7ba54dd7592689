import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { memoryDirectory } from '../../testing/test-node.ts';

/* On a bare machine the whole node is tried so: scripts/bare/machine. */

// As bin/holdfast does: setpriv itself would still have root's capabilities when it starts the program.
const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups', 'sh', '-c', 'exec "$@"', 'sh'];
const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot(
  'memory is closed to other processes of a user who may run Node’s program but not read it',
  async (t) => {
    const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-closed-'));
    t.teardown(async () => rm(directory, { recursive: true }));
    await chmod(directory, 0o711);
    const node = path.join(directory, 'node');
    const script = path.join(directory, 'node-process.ts');
    await copyFile(await realpath(process.execPath), node);
    // With what it imports of ours.
    for (const name of ['node-process.ts', 'confinable-path.ts']) {
      await copyFile(path.resolve(import.meta.dirname, '../../src', name), path.join(directory, name));
      await chmod(path.join(directory, name), 0o644);
    }

    for (const [mode, isOpen] of [
      [0o755, true],
      [0o711, false],
    ] as const) {
      await chmod(node, mode);
      const asked = [
        node,
        '-e',
        `import(${JSON.stringify(script)}).then((m) => console.log(m.isMemoryOpen()))`,
      ];
      const { stdout } = await promisify(execFile)('setpriv', [...nobody, ...asked]);
      t.is(stdout, `${isOpen}\n`, mode.toString(8));
      // And so it is: what is said is what another process of that user meets.
      const child = spawn('setpriv', [
        ...nobody,
        node,
        '-e',
        "console.log('here'); setInterval(() => {}, 1e6)",
      ]);
      t.teardown(() => child.kill('SIGKILL'));
      await once(child.stdout, 'data');
      const read = promisify(execFile)('setpriv', [
        ...nobody,
        ...['sh', '-c', `exec 3</proc/${child.pid}/environ`],
      ]).then(
        () => true,
        () => false,
      );
      t.is(await read, isOpen, mode.toString(8));
      child.kill('SIGKILL');
    }
  },
);
