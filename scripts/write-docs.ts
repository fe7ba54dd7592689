import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { apiPage } from './docs/api-page.ts';
import { unknownCommands } from './docs/commands-check.ts';
import { commandsPage } from './docs/commands-page.ts';
import { configurationPage } from './docs/configuration-page.ts';
import { problemsOfErrorsPage } from './docs/errors-check.ts';
import { brokenLinks, brokenPageNames } from './docs/links-check.ts';
import { profilesPage } from './docs/profiles-page.ts';

/*
 * Writes the generated pages of docs/ (make docs). With --check it writes nothing and fails where a page is not what it
 * would write. Either way it fails where docs/errors.md disagrees with the error tables, or where a page names a file,
 * a heading or a command that is not there, or a text of ours a page or a heading.
 */

const docs = new URL('../docs/', import.meta.url);
const generated = (source: string) =>
  `<!-- Generated from ${source} by scripts/write-docs.ts: change that, then run \`make docs\`. -->\n\n`;

const pages: Record<string, string> = {
  'api.md': generated('src/admin/') + apiPage(),
  'configuration.md': generated('src/config/config.ts') + configurationPage(),
  'profiles.md': generated('native-config/ and src/config/profile.ts') + profilesPage(),
  'commands.md': generated('src/cli/') + commandsPage(),
};

const isCheck = process.argv.includes('--check');
const problems = problemsOfErrorsPage(new URL('errors.md', docs)).map(
  (problem) => `docs/errors.md: ${problem}`,
);

for (const [name, text] of Object.entries(pages)) {
  const file = fileURLToPath(new URL(name, docs));
  const formatted = await format(text, { ...(await resolveConfig(file)), filepath: file });
  if (!isCheck) writeFileSync(file, formatted);
  else if (read(file) !== formatted) problems.push(`docs/${name}: is not as generated; run: make docs`);
}
const root = fileURLToPath(new URL('..', docs));
problems.push(...brokenLinks(root), ...brokenPageNames(root), ...unknownCommands(root));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
