import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { commandsOf, problemOf } from '../../scripts/docs/commands-check.ts';
import { createProgram } from '../../src/cli/program.ts';
import { checkout } from './typing.ts';

/*
 * What can be told of shell without running it: whether bash can read it, and whether the commands of ours and of AWS are
 * there, with their options. For blocks that no test can type.
 */

export async function problemsOfShell(text: string): Promise<string | undefined> {
  const syntax = await new Promise<string | undefined>((resolve) => {
    const child = execFile('/bin/bash', ['-n'], (error, _stdout, stderr) =>
      resolve(error === null ? undefined : stderr.trim()),
    );
    child.stdin?.end(text.replaceAll(/<[a-zA-Z ]+>/g, 'placeholder'));
  });
  if (syntax !== undefined) return syntax;
  const program = createProgram();
  const problems = [
    ...commandsOf(`\`\`\`sh\n${text}\n\`\`\``).map((words) => problemOf(program, words)),
    ...awsCommandsOf(text).map(problemOfAwsCommand),
  ];
  return problems.find((problem) => problem !== undefined);
}

/** The words after each `aws` that stands where a command does, as far as the command goes. */
export function awsCommandsOf(text: string): string[][] {
  return [
    ...text.replaceAll(/\\\n\s*/g, ' ').matchAll(/(?:^|[|;&(`]|\bthen\b|\bdo\b) *aws +([^\n|;&)`#]*)/gm),
  ].map(([, rest = '']) => [...rest.matchAll(/"[^"]*"|'[^']*'|\S+/g)].map(([word]) => word));
}

const clients: Record<string, string> = { kms: 'KMS', iam: 'IAM', sts: 'STS', s3api: 'S3' };
/** Options of the AWS CLI's own, with whether a value follows. */
const globalOptions: Record<string, boolean> = {
  '--region': true,
  '--query': true,
  '--output': true,
  '--profile': true,
  '--endpoint-url': true,
  '--ca-bundle': true,
  '--cli-input-json': true,
  '--no-cli-pager': false,
};
const s3Commands = new Set(['cp', 'ls', 'mb', 'mv', 'rb', 'rm', 'sync', 'presign']);

/** What AWS's SDK, which has every operation and every parameter, has against a command of the AWS CLI. */
export function problemOfAwsCommand(words: readonly string[]): string | undefined {
  const rest = [...words];
  while (rest[0]?.startsWith('--') === true) {
    const option = rest.shift() ?? '';
    if (globalOptions[option] === undefined) return `aws has no ${option}`;
    if (globalOptions[option]) rest.shift();
  }
  const [service = '', command = '', ...others] = rest;
  if (service === 's3') return s3Commands.has(command) ? undefined : `aws s3 has no ${command}`;
  const client = clients[service];
  if (client === undefined) return `no SDK of the service ${service} is here to compare with`;
  const parameters = parametersOf(client, command);
  if (parameters === undefined) return `AWS ${client} has no ${command}`;
  for (const word of others) {
    const [, option = ''] = /^--(?:no-)?([a-z0-9-]+)/.exec(word) ?? [];
    if (option === '' || globalOptions[`--${option}`] !== undefined) continue;
    if (!parameters.has(option.replaceAll('-', ''))) return `aws ${service} ${command} has no --${option}`;
  }
  return undefined;
}

/** In lower case and without hyphens, since the CLI's words are made of the API's by rules and exceptions. */
function parametersOf(client: string, command: string): Set<string> | undefined {
  const types = path.join(checkout, `node_modules/@aws-sdk/client-${client.toLowerCase()}/dist-types`);
  const words = command.replaceAll('-', '');
  const models = readFileSync(path.join(types, 'models/models_0.d.ts'), 'utf8');
  const commands = readFileSync(path.join(types, 'commands/index.d.ts'), 'utf8');
  if (!new RegExp(`/${words}Command"`, 'i').test(commands)) return undefined;
  const [, fields = ''] =
    new RegExp(`interface ${words}Request(?: extends \\w+)? \\{([^]*?)\\n\\}`, 'i').exec(models) ?? [];
  return new Set([...fields.matchAll(/^ {4}(\w+)\??:/gm)].map(([, name = '']) => name.toLowerCase()));
}
