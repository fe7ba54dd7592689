import { execFileSync } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { compiledCodeForWorkers } from '../../src/compiled-code.ts';
import { holdersOf } from '../../src/path-holders.ts';
import { memoryDirectory } from '../support/memory-directory.ts';

/*
 * Node runs compiled code in the place of ours. The command and what it starts take it from where nobody may put it who may
 * not change our code, and workers, besides, from where they cannot put it themselves.
 */

const isRoot = process.geteuid?.() === 0;
/** Else nothing in it is. */
const isMemoryRoots = isRoot && holdersOf(memoryDirectory()).length === 0;
const service = 10_001;

async function place(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(path.join(memoryDirectory(), 'holdfast-compiled-'));
  await chmod(directory, 0o755);
  t.teardown(async () => rm(directory, { recursive: true }));
  return directory;
}

/** The command in an installation of its own, and a Node that tells where it is told to keep compiled code. */
async function installation(
  t: ExecutionContext,
): Promise<{ home: string; told: (cache?: string) => string }> {
  const home = await place(t);
  for (const name of ['bin', 'src', '.tools']) await mkdir(path.join(home, name), { mode: 0o755 });
  const command = path.join(home, 'bin/holdfast');
  await copyFile(path.resolve(import.meta.dirname, '../../bin/holdfast'), command);
  const node = path.join(home, 'node');
  await writeFile(
    node,
    '#!/bin/sh\nif [ "$1" = --version ]; then echo v24.21.0; else echo "${NODE_COMPILE_CACHE-none}"; fi\n',
    {
      mode: 0o755,
    },
  );
  const told = (cache?: string) =>
    execFileSync('/bin/sh', [command], {
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        HOLDFAST_NODE: node,
        ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
      },
    }).trim();
  return { home, told };
}

test('compiled code is kept beside the code, where nobody else may write', async (t) => {
  const { home, told } = await installation(t);
  const beside = path.join(home, '.tools/compile-cache');
  t.is(told(), beside, 'it is not there yet');
  await mkdir(path.join(beside, 'v24'), { recursive: true, mode: 0o755 });
  t.is(told(), beside);
  t.is(told(beside), beside);
  for (const name of ['.tools/compile-cache/v24', '.tools/compile-cache', '.tools'])
    for (const mode of [0o775, 0o757, 0o1777]) {
      await chmod(path.join(home, name), mode);
      t.is(told(), 'none', `${name} of mode ${mode.toString(8)}`);
      await chmod(path.join(home, name), 0o755);
    }
  t.is(told(), beside);
});

test('compiled code that another user may write is not run, whatever the environment says', async (t) => {
  const { home, told } = await installation(t);
  const elsewhere = await place(t);
  t.is(told(path.join(elsewhere, 'new')), 'none', 'where everybody may make files');
  if (!isRoot) return;
  const cache = path.join(home, '.tools/compile-cache');
  const child = path.join(cache, 'v24-0');
  await mkdir(child, { recursive: true, mode: 0o755 });
  for (const planted of [child, cache]) {
    await chown(planted, service, service);
    t.is(told(), 'none', planted);
    await chown(planted, 0, 0);
  }
  // By way of a link, too.
  const state = path.join(elsewhere, 'state');
  await mkdir(state, { mode: 0o755 });
  await chown(state, service, service);
  await symlink(state, path.join(home, '.tools/link'));
  t.is(told(path.join(home, '.tools/link/compiled')), 'none');
  // Who has the code may keep it compiled.
  await chown(path.join(home, 'src'), service, service);
  await chown(cache, service, service);
  t.is(told(), cache);
});

test('a worker has compiled code only where everything in it is root’s alone', async (t) => {
  const cache = path.join(await place(t), 'compiled');
  t.is(compiledCodeForWorkers(undefined, service), undefined);
  t.is(compiledCodeForWorkers(cache, service), undefined, 'what is not there would be the worker’s');
  const file = path.join(cache, 'v24-10001/0123abcd');
  await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
  await writeFile(file, '', { mode: 0o644 });
  t.is(compiledCodeForWorkers(cache, 0), undefined, 'root may write everywhere');
  if (!isMemoryRoots) return;
  t.is(compiledCodeForWorkers(cache, service), cache);
  for (const one of [cache, path.dirname(file), file]) {
    await chown(one, service, service);
    t.is(compiledCodeForWorkers(cache, service), undefined, one);
    await chown(one, 0, 0);
    await chmod(one, 0o775);
    t.is(compiledCodeForWorkers(cache, service), undefined, one);
    await chmod(one, 0o755);
  }
  await chown(path.dirname(cache), service, service);
  t.is(compiledCodeForWorkers(cache, service), undefined, 'another directory could be put in its place');
  await chown(path.dirname(cache), 0, 0);
  t.is(compiledCodeForWorkers(cache, service), cache);
  await symlink('/etc/hostname', path.join(cache, 'link'));
  t.is(compiledCodeForWorkers(cache, service), undefined, 'a link out of it');
});
