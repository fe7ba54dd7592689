import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const top = path.join(import.meta.dirname, '../..');

interface Diagnostic {
  filename: string;
  message: string;
}

/** What one rule of a plug-in in scripts/ says of these files, by file, in a project that has nothing else. */
export async function lintPlanted(
  { plugin, rule }: { plugin: string; rule: string },
  files: Record<string, string>,
): Promise<Map<string, string>> {
  const project = await mkdtemp(path.join(tmpdir(), 'holdfast-lint-'));
  try {
    const part = plugin.split('/').slice(0, 2).join('/');
    await cp(path.join(top, part), path.join(project, part), { recursive: true });
    await symlink(path.join(top, 'node_modules'), path.join(project, 'node_modules'));
    const config = {
      jsPlugins: [`./${plugin}`],
      categories: { correctness: 'off' },
      rules: { [rule]: 'error' },
    };
    await writeFile(path.join(project, '.oxlintrc.json'), JSON.stringify(config));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.join(project, path.dirname(name)), { recursive: true });
      await writeFile(path.join(project, name), `${text}\n`);
    }
    const linter = path.join(project, 'node_modules/.bin/oxlint');
    const { stdout } = await promisify(execFile)(linter, ['--format', 'json', ...Object.keys(files)], {
      cwd: project,
    }).catch((error: { stdout: string }) => error);
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
    return new Map(diagnostics.map(({ filename, message }) => [filename, message]));
  } finally {
    await rm(project, { recursive: true });
  }
}
