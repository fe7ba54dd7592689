import { parse, TomlError } from 'smol-toml';
import { ConfigError } from './problem.ts';

/** Reads a TOML document. Throws {@link ConfigError} with line and column, and without a word of the text itself. */
export function parseToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw new ConfigError([`${file}: is not TOML`]);
    // The first line says what is wrong; those after it quote the file.
    const [reason = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n', 1);
    throw new ConfigError([`${file}:${error.line}:${error.column}: not TOML: ${reason}`]);
  }
}
