import { namesCommand, type Completed, type NameKind, type Place, type Tree } from './completion-tree.ts';

/*
 * bash and zsh walk the words that are there: a word that names a command below goes down, an option that takes a value
 * takes the word after it. Both have the tree as `case` branches and share them; fish asks for each candidate whether
 * it belongs here.
 */

export const shells = {
  bash: (tree: Tree) => `# bash completion of holdfast: source this, or put it where bash-completion looks.
${sharedFunctions(tree)}
_holdfast() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local candidates
  _holdfast_walk "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  _holdfast_candidates "$before" "$word"
  case "$candidates" in
    '<file>')
      compopt -o filenames 2>/dev/null
      COMPREPLY=($(compgen -f -- "$word"))
      ;;
    '<names '*)
      # Names are of others: nothing of them is ever expanded.
      local line kind="\${candidates#<names }"
      COMPREPLY=()
      while IFS= read -r line; do
        printf -v line %q "$line"
        COMPREPLY+=("$line")
      done < <(holdfast ${namesCommand} "\${kind%>}" "$word" -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
      ;;
    *) COMPREPLY=($(compgen -W "$candidates" -- "$word")) ;;
  esac
}
complete -F _holdfast holdfast
`,
  zsh: (tree: Tree) => `#compdef holdfast
# zsh completion of holdfast: put this as _holdfast into a directory of $fpath, or source it after compinit.
${sharedFunctions(tree)}
_holdfast() {
  local word="\${words[CURRENT]}" before="\${words[CURRENT-1]}"
  local candidates
  _holdfast_walk "\${(@)words[2,CURRENT-1]}"
  _holdfast_candidates "$before" "$word"
  case "$candidates" in
    '<file>') _files ;;
    '<names '*)
      local kind="\${candidates#<names }"
      local -a names
      names=("\${(@f)$(holdfast ${namesCommand} "\${kind%>}" "\${(Q)word}" -- "\${(@Q)words[2,CURRENT-1]}" 2>/dev/null)}")
      compadd -- "\${(@)names:#}"
      ;;
    *) compadd -- \${=candidates} ;;
  esac
}
if [ "$funcstack[1]" = _holdfast ]; then
  _holdfast "$@"
elif (( $+functions[compdef] )); then
  compdef _holdfast holdfast
fi
`,
  fish: (
    tree: Tree,
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
            case ${quotedList(valueFlags(tree))}
                set skip 1
            case '-*'
            case '*'
                switch (string trim -- "$place $word")
                    case ${quotedList(paths(tree))}
                        set place (string trim -- "$place $word")
                end
        end
    end
    test "$place" = "$argv[1]"
end
function __holdfast_names
    set -l words (commandline -opc)
    set -e words[1]
    command holdfast ${namesCommand} $argv[1] (commandline -ct) -- $words 2>/dev/null
end
complete -c holdfast -f
${fishLines(tree).join('\n')}
`,
} as const;

function sharedFunctions(tree: Tree): string {
  const { places, common } = tree;
  const cases = (of: (place: Place) => string[]) =>
    places
      .map((place) => [place.path, of(place).join(' ')])
      .filter(([, words]) => words !== '')
      .map(([path = '', words = '']) => `        ${quoted(path)}) candidates=${quoted(words)} ;;`)
      .join('\n');
  return `_holdfast_walk() {
  local one skip=
  place=
  for one in "$@"; do
    if [ -n "$skip" ]; then skip=; continue; fi
    case "$one" in
      ${valueFlags(tree).join('|')}) skip=1 ;;
      -*) ;;
      *)
        case "\${place:+$place }$one" in
          ${paths(tree).map(quoted).join('|')}) place="\${place:+$place }$one" ;;
        esac
        ;;
    esac
  done
}
_holdfast_candidates() {
  candidates=
  case "$place:$1" in
${places.flatMap(({ path, options }) => valueBranches(quoted(`${path}:`), options)).join('\n')}
${valueBranches('*:', common).join('\n')}
  esac
  case "$2" in
    -*)
      case "$place" in
${cases(({ options }) => flagsOf(options))}
      esac
      candidates="$candidates ${flagsOf(common).join(' ')}"
      ;;
    *)
      case "$place" in
${cases(({ commands, choices, names }) => [...commands.map(({ name }) => name), ...choices, ...(names === undefined ? [] : [asked(names)])])}
      esac
      ;;
  esac
}`;
}

/** What comes after an option that takes a value: its choices, a file, or nothing that we know. */
function valueBranches(place: string, options: readonly Completed[]): string[] {
  return options
    .filter(({ takesValue }) => takesValue)
    .map(({ flags, isFile, choices, names }) => {
      const patterns = flags.map((flag) => `${place}${flag}`).join('|');
      const values = names === undefined ? choices.join(' ') : asked(names);
      return `    ${patterns}) candidates=${quoted(isFile ? '<file>' : values)}; return ;;`;
    });
}

/** In place of candidates: what to ask for. */
function asked(names: NameKind): string {
  return `<names ${names}>`;
}

function fishLines({ places, common }: Tree): string[] {
  return [
    ...common.map((option) => `complete -c holdfast ${fishOption(option)}`),
    ...places.flatMap(({ path, commands, options, choices, names }) => {
      const here = `complete -c holdfast -n "__holdfast_at ${quoted(path)}"`;
      return [
        ...commands.map(({ name, description }) => `${here} -a ${name} -d ${quoted(description)}`),
        ...choices.map((choice) => `${here} -a ${quoted(choice)}`),
        ...(names === undefined ? [] : [`${here} -a '(__holdfast_names ${names})'`]),
        ...options.map((option) => `${here} ${fishOption(option)}`),
      ];
    }),
  ];
}

function fishOption({ flags, description, takesValue, isFile, choices, names: kind }: Completed): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const candidates = kind === undefined ? choices.join(' ') : `(__holdfast_names ${kind})`;
  const value = isFile ? ' -r -F' : candidates === '' ? ' -x' : ` -x -a ${quoted(candidates)}`;
  return `${names.join(' ')}${takesValue ? value : ''} -d ${quoted(description)}`;
}

function flagsOf(options: readonly Completed[]): string[] {
  return options.flatMap(({ flags }) => flags);
}

function valueFlags({ places, common }: Tree): string[] {
  const options = [...common, ...places.flatMap(({ options }) => options)];
  return [...new Set(flagsOf(options.filter(({ takesValue }) => takesValue)))];
}

function paths({ places }: Tree): string[] {
  return places.map(({ path }) => path).filter((path) => path !== '');
}

/** For all three shells alike: what quotes mean inside quotes differs among them, so those are made typographic. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`;
}

function quotedList(texts: readonly string[]): string {
  return texts.map(quoted).join(' ');
}
