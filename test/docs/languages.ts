import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse as parseTomlText, stringify } from 'smol-toml';
import { parseDocument } from 'yaml';
import { helpOf } from '../../scripts/docs/commands-page.ts';
import { languageOf, type Block } from '../../scripts/docs/blocks.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { parseProfile } from '../../src/config/profile.ts';
import { createProgram } from '../../src/cli/program.ts';
import { problemOfManifest } from './kubernetes.ts';
import { problemOfMermaid } from './mermaid.ts';
import { problemOfUnits } from './systemd.ts';

/** What the reader of its language has against a block that no test types; undefined for nothing. */
export async function problemOfBlock(block: Block): Promise<string | undefined> {
  const language = languageOf(block);
  switch (language) {
    case 'toml':
      return problemOfToml(block.text);
    case 'yaml':
      return problemOfYaml(block.text);
    case 'ini':
      return problemOfUnits(block.text);
    case 'mermaid':
      return problemOfMermaid(block.text);
    case 'dockerfile':
      return problemOfDockerfile(block.text);
    case 'text':
      if (block.page === 'docs/commands.md') return problemOfHelp(block);
      return 'what is shown is compared with nothing: say in test/docs/coverage.ts which test has it printed';
    case 'sh':
    case 'python':
    case 'ts':
    case 'json':
      return 'no test types it: say in test/docs/coverage.ts which does';
    case '':
      return 'no test types it, and nothing here reads a block without a language';
    default:
      return `no test types it, and nothing here reads ${language}`;
  }
}

/** What a part of a configuration leaves out. */
const required = {
  xks: { port: 443 },
  tls: { certificate: '/etc/holdfast/tls/fullchain.pem', key: '/etc/holdfast/tls/key.pem' },
  token: [{ name: 'primary', profile: 'softhsm2', label: 'primary', pin: { credential: 'primary-pin' } }],
};

/** A profile, a configuration, or a part of one. */
function problemOfToml(text: string): string | undefined {
  const directory = mkdtempSync(path.join(tmpdir(), 'holdfast-page-'));
  try {
    const document = parseTomlText(text);
    if ('modules' in document) {
      parseProfile(text, 'page.toml');
      return undefined;
    }
    const xks = { ...required.xks, ...(document['xks'] as object) };
    const whole = {
      token: required.token,
      ...document,
      xks: { tls: required.tls, ...xks },
    };
    const file = path.join(directory, 'holdfast.toml');
    writeFileSync(file, stringify(whole));
    loadConfig(file);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) return (error as Error).message;
    // Files that the reader has, and this machine has not.
    const problems = error.problems.filter((problem) => !problem.endsWith('cannot be read (ENOENT)'));
    return problems.length === 0 ? undefined : problems.join('; ').replaceAll(directory, '');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function problemOfYaml(text: string): string | undefined {
  // As Kubernetes reads it: 0400 is octal.
  const document = parseDocument(text, { uniqueKeys: true, version: '1.1' });
  const [problem] = [...document.errors, ...document.warnings];
  return problem === undefined ? problemOfManifest(document.toJS()) : problem.message;
}

const dockerInstructions =
  /^(?:FROM|RUN|COPY|ADD|USER|ENV|ARG|WORKDIR|ENTRYPOINT|CMD|EXPOSE|VOLUME|LABEL|HEALTHCHECK|SHELL|STOPSIGNAL|ONBUILD) \S/;

function problemOfDockerfile(text: string): string | undefined {
  const lines = text
    .replaceAll(/\\\n/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (!/^(?:ARG|FROM) /.test(lines[0] ?? '')) return 'does not begin with FROM';
  return lines.find((line) => !dockerInstructions.test(line));
}

/** docs/commands.md: the help of the command in the heading. */
function problemOfHelp({ headings, text }: Block): string | undefined {
  const heading = headings.at(-1) ?? '';
  let command = createProgram();
  for (const name of heading.split(' ').slice(1)) {
    const next = command.commands.find((one) => one.name() === name);
    if (next === undefined) return `there is no command ${heading}`;
    command = next;
  }
  return helpOf(command) === text ? undefined : 'is not its help';
}
