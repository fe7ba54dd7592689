import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command, Option } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { handWrittenPages } from './pages.ts';

/** Commands of ours that README.md and docs/ tell somebody to type, and that the command line does not know. */
export function unknownCommands(root: string): string[] {
  const program = createProgram();
  return handWrittenPages(root).flatMap((page) =>
    commandsOf(readFileSync(path.join(root, page), 'utf8')).flatMap((words) => {
      const problem = problemOf(program, words);
      return problem === undefined ? [] : [`${page}: holdfast ${words.join(' ')}: ${problem}`];
    }),
  );
}

/** In blocks of code and between backticks: the words after each `holdfast` that stands where a command does. */
export function commandsOf(text: string): string[][] {
  const inBlocks = [...text.matchAll(/^ *```[^\n]*\n([\s\S]*?)^ *```/gm)].map(([, block = '']) => block);
  const outside = text.replaceAll(/^ *```[^\n]*\n[\s\S]*?^ *```/gm, '');
  const inline = [...outside.matchAll(/`((?:sudo )?holdfast(?:-on-node)? [^`]+)`/g)].map(([, code = '']) =>
    code.replaceAll('\n', ' '),
  );
  return (
    [...inBlocks, ...inline]
      .map((code) => code.replaceAll(/\\\n\s*/g, ' '))
      .flatMap((code) =>
        [
          ...code.matchAll(
            /(?:^|[|;&(]|\bsudo(?: -u \w+)?) *(?:bin\/|\/opt\/holdfast\/bin\/)?holdfast(?:-on-node)? +([^\n]*)/gm,
          ),
        ].map(([, rest = '']) => wordsOf(rest)),
      )
      // What a node prints is no command.
      .filter(([first]) => first !== undefined && first !== 'ready')
  );
}

/** As far as the command goes: not what the shell does with it, nor what is left to the reader. */
function wordsOf(rest: string): string[] {
  const words: string[] = [];
  for (const [, quoted, plain = ''] of rest.matchAll(/("[^"]*"|'[^']*')|([^\s"']+)/g)) {
    if (quoted !== undefined) words.push(quoted);
    else if (/^(?:[|;&>#]|\d?>)/.test(plain)) break;
    else {
      const end = plain.search(/[);|]/);
      if (end >= 0) {
        if (end > 0) words.push(plain.slice(0, end));
        break;
      }
      if (/^…|^\.\.\.$/.test(plain)) break;
      words.push(plain);
    }
  }
  return words;
}

/** What the command line would say against these words, looking at names of commands and options alone. */
export function problemOf(program: Command, words: readonly string[]): string | undefined {
  let command = program;
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return undefined;
    if (word.startsWith('-') && word !== '-') {
      const [flag = ''] = word.split('=');
      const option = optionOf(command, flag.replaceAll(/[[\]]/g, ''));
      if (option === undefined) return `${command.name()} has no option ${flag}`;
      if (option.required && !word.includes('=')) rest.shift();
    } else {
      const name = word;
      const next = command.commands.find((one) => one.name() === name || one.aliases().includes(name));
      if (next !== undefined) command = next;
      else if (command.commands.length > 0 && /^[a-z][a-z-]*$/.test(name))
        return `${command.name()} has no command ${name}`;
    }
  }
  return undefined;
}

function optionOf(command: Command, flag: string): Option | undefined {
  const help = command.createHelp();
  for (let at: Command | null = command; at !== null; at = at.parent)
    for (const option of help.visibleOptions(at).concat(at.options))
      if (option.short === flag || option.long === flag) return option;
  return undefined;
}
