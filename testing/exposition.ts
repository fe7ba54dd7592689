/** One line of a scrape. */
export interface ScrapedSample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface Scraped {
  samples: ScrapedSample[];
  /** By metric, as its TYPE line has it. */
  types: Map<string, string>;
  helps: Map<string, string>;
  /** The sum of those that have these labels. */
  value: (name: string, labels?: Readonly<Record<string, string>>) => number;
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/** Reads Prometheus' text form 0.0.4 as it is defined, and nothing else. Throws where a line is none of it. */
export function readScrape(text: string): Scraped {
  const [types, helps] = [new Map<string, string>(), new Map<string, string>()];
  const samples: ScrapedSample[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const about = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (about !== null) {
      const [, what, name = '', told = ''] = about;
      const of = what === 'HELP' ? helps : types;
      if (of.has(name)) throw new Error(`${what} of ${name} stands twice`);
      of.set(name, told);
      continue;
    }
    const sample = sampleLine.exec(line);
    if (sample === null) throw new Error(`no line of a scrape: ${line}`);
    const [, name = '', inBraces = '', value = ''] = sample;
    samples.push({ name, labels: labelsOf(inBraces), value: numberOf(value) });
  }
  return {
    ...{ samples, types, helps },
    value: (name, labels = {}) =>
      samples
        .filter((one) => one.name === name)
        .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
        .reduce((sum, one) => sum + one.value, 0),
  };
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  label.lastIndex = 0;
  while (label.lastIndex < text.length) {
    const found = label.exec(text);
    if (found === null) throw new Error(`no labels: ${text}`);
    const [, name = '', value = ''] = found;
    if (Object.hasOwn(labels, name)) throw new Error(`${name} stands twice in ${text}`);
    labels[name] = value.replaceAll(/\\(["\\n])/g, (_, one: string) => (one === 'n' ? '\n' : one));
  }
  return labels;
}

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text === '' || Number.isNaN(Number(text))) throw new Error(`no number: ${text}`);
  return Number(text);
}
