import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import anyTest, { type TestFn } from 'ava';
import type { Since } from '../../src/store/restored-store.ts';
import { memoryDirectory, TestNode } from '../support/test-node.ts';
import { createSoftHsmToken, type TokenFixture } from '../support/tokens.ts';
import type { KeySetAccess } from '../support/xks-client.ts';

/* A real node, a real token: what people lose a disk with, and what they put back. */

interface Context {
  token: TokenFixture;
  other: TokenFixture;
  node: TestNode;
  access: KeySetAccess;
  key: string;
}

const test = anyTest.serial as TestFn<Context>;
const plaintext = Buffer.from('what must be readable again');
