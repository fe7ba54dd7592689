import { readFileSync } from 'node:fs';
import { InvalidArgumentError, Option } from 'commander';
import type { KeyPolicy, KmsKeyInput } from './kms-key-records.ts';

/** Options of what may be told of a KMS key. */
export function inputOptions(): Option[] {
  return [
    aliasOption('--alias <alias>'),
    new Option('--description <text>', 'up to 300 characters; that of the CloudKey if omitted'),
    tagOption('--tag <name=value>'),
    policyOption('--policy <policy>'),
  ];
}

export function aliasOption(flags: string): Option {
  return new Option(
    flags,
    'alias in AWS, with or without alias/; empty for none; alias/ and the CloudKey’s name if omitted',
  );
}

export function tagOption(flags: string): Option {
  return new Option(flags, 'tag in AWS; several times, all of them').argParser(collectTags);
}

export function policyOption(flags: string): Option {
  return new Option(
    flags,
    'key policy: generated (from administrators and users), generated-without-root (no IAM policies beside it), or a file',
  ).argParser(readPolicy);
}

export function inputOf({ alias, description, tag, policy }: KmsKeyInput) {
  return { alias, description, tags: tag, policy };
}

/** Empty text empties them. */
function collectTags(text: string, before: Record<string, string> | undefined): Record<string, string> {
  if (text === '') return before ?? {};
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('name=value, such as team=payments.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function readPolicy(text: string): KeyPolicy {
  if (text === 'generated' || text === 'generated-without-root') return text;
  let content: string;
  try {
    content = readFileSync(text, 'utf8');
  } catch {
    throw new InvalidArgumentError('generated, generated-without-root, or a file that can be read.');
  }
  try {
    return JSON.parse(content) as KeyPolicy;
  } catch {
    throw new InvalidArgumentError('the file is not JSON; see: holdfast kms-key policy.');
  }
}
