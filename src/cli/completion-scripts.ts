import type { Completed, Place } from './completion-tree.ts';

/*
 * bash and zsh walk the words that are there: a word that names a command below goes down, an option that takes a value
 * takes the word after it. Both have the tree as `case` branches and share them; fish asks for each candidate whether
 * it belongs here.
 */

export const shells = {
  bash: (
    places: readonly Place[],
  ) => `# bash completion of holdfast: source this, or put it where bash-completion looks.
${sharedFunctions(places)}
_holdfast() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local candidates
  _holdfast_walk "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  _holdfast_candidates "$before" "$word"
  if [ "$candidates" = '<file>' ]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$word"))
  else
    COMPREPLY=($(compgen -W "$candidates" -- "$word"))
  fi
}
complete -F _holdfast holdfast
`,
  zsh: (places: readonly Place[]) => `#compdef holdfast
# zsh completion of holdfast: put this as _holdfast into a directory of $fpath, or source it after compinit.
${sharedFunctions(places)}
_holdfast() {
  local word="\${words[CURRENT]}" before="\${words[CURRENT-1]}"
  local candidates
  _holdfast_walk "\${(@)words[2,CURRENT-1]}"
  _holdfast_candidates "$before" "$word"
  if [ "$candidates" = '<file>' ]; then
    _files
  else
    compadd -- \${=candidates}
  fi
}
if [ "$funcstack[1]" = _holdfast ]; then
  _holdfast "$@"
elif (( $+functions[compdef] )); then
  compdef _holdfast holdfast
fi
`,
  fish: (
    places: readonly Place[],
  ) => `# fish completion of holdfast: put this into ~/.config/fish/completions/holdfast.fish.
function __holdfast_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l place ''
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case ${quotedList(valueFlags(places))}
                set skip 1
            case '-*'
            case '*'
                switch (string trim -- "$place $word")
                    case ${quotedList(paths(places))}
                        set place (string trim -- "$place $word")
                end
        end
    end
    test "$place" = "$argv[1]"
end
complete -c holdfast -f
${places.flatMap(fishLines).join('\n')}
`,
} as const;

function sharedFunctions(places: readonly Place[]): string {
  return `_holdfast_walk() {
  local one skip=
  place=
  for one in "$@"; do
    if [ -n "$skip" ]; then skip=; continue; fi
    case "$one" in
      ${valueFlags(places).join('|')}) skip=1 ;;
      -*) ;;
      *)
        case "\${place:+$place }$one" in
          ${paths(places).map(quoted).join('|')}) place="\${place:+$place }$one" ;;
        esac
        ;;
    esac
  done
}
_holdfast_candidates() {
  candidates=
  case "$place:$1" in
${places.flatMap(valueBranches).join('\n')}
  esac
  case "$2" in
    -*)
      case "$place" in
${places.map(({ path, options }) => `        ${quoted(path)}) candidates=${quoted(options.flatMap(({ flags }) => flags).join(' '))} ;;`).join('\n')}
      esac
      ;;
    *)
      case "$place" in
${places.map(({ path, commands, choices }) => `        ${quoted(path)}) candidates=${quoted([...commands.map(({ name }) => name), ...choices].join(' '))} ;;`).join('\n')}
      esac
      ;;
  esac
}`;
}

/** What comes after an option that takes a value: its choices, a file, or nothing that we know. */
function valueBranches({ path, options }: Place): string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map(({ flags, isFile, choices }) => {
      const patterns = flags.map((flag) => quoted(`${path}:${flag}`)).join('|');
      return `    ${patterns}) candidates=${quoted(isFile ? '<file>' : choices.join(' '))}; return ;;`;
    });
}

function fishLines({ path, commands, options, choices }: Place): string[] {
  const here = `complete -c holdfast -n ${quoted(`__holdfast_at ${quoted(path)}`)}`;
  return [
    ...commands.map(({ name, description }) => `${here} -a ${name} -d ${quoted(description)}`),
    ...choices.map((choice) => `${here} -a ${quoted(choice)}`),
    ...options.map((option) => `${here} ${fishOption(option)}`),
  ];
}

function fishOption({ flags, description, takesValue, isFile, choices }: Completed): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const value = isFile ? ' -r -F' : choices.length > 0 ? ` -x -a ${quoted(choices.join(' '))}` : ' -x';
  return `${names.join(' ')}${takesValue ? value : ''} -d ${quoted(description)}`;
}

function valueFlags(places: readonly Place[]): string[] {
  const flags = places.flatMap(({ options }) =>
    options.filter(({ takesValue }) => takesValue).flatMap(({ flags }) => flags),
  );
  return [...new Set(flags)];
}

function paths(places: readonly Place[]): string[] {
  return places.map(({ path }) => path).filter((path) => path !== '');
}

/** For all three shells; fish knows only \\' inside single quotes, the others only '"'"'. Quotes are made typographic. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}

function quotedList(texts: readonly string[]): string {
  return texts.map(quoted).join(' ');
}
