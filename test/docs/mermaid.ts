/*
 * The part of Mermaid's grammar that the pages use, strictly: what is drawn otherwise than meant, or not at all, on the
 * page of a forge, is told here. A node is declared with a text before or where it is used first.
 */

const id = String.raw`[A-Za-z]\w*`;
const label = String.raw`(?:\["[^"]+"\]|\[\("[^"]+"\)\]|\{\{"[^"]+"\}\}|\("[^"]+"\))`;
const node = `(?:\\[\\*\\]|${id})(?:${label})?`;
const arrow = String.raw`(?:-->|-\.->|==>|-- "[^"]+" -->|-\. "[^"]+" \.->|== "[^"]+" ==>)`;
const link = new RegExp(`^(${node})((?: ${arrow} ${node})*)$`);
const subgraph = new RegExp(`^subgraph ${id}(?:\\["[^"]+"\\])?$`);
const transition = new RegExp(`^(?:\\[\\*\\]|${id}) --> (?:\\[\\*\\]|${id})(?:: .+)?$`);

export function problemOfMermaid(text: string): string | undefined {
  const [first = '', ...lines] = text.split('\n').map((line) => line.trim());
  if (first === 'stateDiagram-v2')
    return lines.find((line) => line !== '' && !transition.test(line)) ?? undefined;
  if (!/^flowchart (?:TB|TD|BT|LR|RL)$/.test(first)) return `is no diagram that is drawn here: ${first}`;
  return problemOfFlowchart(lines);
}

function problemOfFlowchart(lines: readonly string[]): string | undefined {
  const declared = new Set<string>();
  const used = new Set<string>();
  let depth = 0;
  for (const line of lines) {
    if (line === '' || line.startsWith('%%')) continue;
    if (subgraph.test(line)) {
      depth++;
      declared.add(/^subgraph (\w+)/.exec(line)?.[1] ?? '');
    } else if (line === 'end') depth--;
    else if (/^direction (?:TB|TD|BT|LR|RL)$/.test(line)) continue;
    else if (link.test(line))
      for (const [, name = '', text] of line
        .replaceAll(new RegExp(arrow, 'g'), ' ')
        .matchAll(new RegExp(`(${id})(${label})?`, 'g')))
        (text === undefined ? used : declared).add(name);
    else return `is not understood: ${line}`;
    if (depth < 0) return 'has one end too many';
  }
  if (depth > 0) return 'has a subgraph without an end';
  const unknown = [...used].filter((name) => !declared.has(name));
  return unknown.length === 0 ? undefined : `has no text for ${unknown.join(', ')}`;
}
