import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { apiPage } from './docs/api-page.ts';
import { apiChoices, apiTypes } from './docs/api-types.ts';
import { unknownCommands } from './docs/commands-check.ts';
import { commandsPage } from './docs/commands-page.ts';
import { configurationPage } from './docs/configuration-page.ts';
import { problemsOfErrorsPage } from './docs/errors-check.ts';
import { brokenLinks, brokenPageNames } from './docs/links-check.ts';
import { profilesPage } from './docs/profiles-page.ts';
import { webOperations } from './docs/web-operations.ts';

/*
 * Writes the generated pages of docs/, and the types of the API for the command line and the console (make docs). With --check it writes nothing and fails where a page is not what it
 * would write. Either way it fails where docs/errors.md disagrees with the error tables, or where a page names a file,
 * a heading or a command that is not there, or a text of ours a page or a heading.
 */

const top = new URL('../', import.meta.url);
const docs = new URL('docs/', top);
const from = (source: string) =>
  `Generated from ${source} by scripts/write-docs.ts: change that, then run \`make docs\`.`;
const generated = (source: string) => `<!-- ${from(source)} -->\n\n`;

const pages: Record<string, string> = {
  'docs/api.md': generated('src/admin/') + apiPage(),
  'docs/configuration.md': generated('src/config/config.ts') + configurationPage(),
  'docs/profiles.md': generated('native-config/ and src/config/profile.ts') + profilesPage(),
  'docs/commands.md': generated('src/cli/') + commandsPage(),
  'src/cli/client/api-choices.ts': `// ${from('src/admin/')}\n\n${apiChoices()}`,
  'src/cli/client/api-types.ts': `// ${from('src/admin/')}\n\n${apiTypes()}`,
  'web/api/operations.ts': `// ${from('src/admin/')}\n\n${webOperations()}`,
};

const isCheck = process.argv.includes('--check');
const problems = problemsOfErrorsPage(new URL('errors.md', docs)).map(
  (problem) => `docs/errors.md: ${problem}`,
);

for (const [name, text] of Object.entries(pages)) {
  const file = fileURLToPath(new URL(name, top));
  const formatted = await format(text, { ...(await resolveConfig(file)), filepath: file });
  if (!isCheck) writeFileSync(file, formatted);
  else if (read(file) !== formatted) problems.push(`${name}: is not as generated; run: make docs`);
}
const root = fileURLToPath(top);
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
