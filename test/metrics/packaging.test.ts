import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'yaml';
import { emptyDistribution, observe } from '../../src/metrics/latency.ts';
import { metricCatalogue, metricNames } from '../../src/metrics/exposition/catalogue.ts';
import { Scrape } from '../../src/metrics/exposition/scrape.ts';
import { readScrape } from '../../testing/exposition.ts';

/* What Prometheus, Grafana and people are given agrees with what a node tells. */

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}
const rules = (
  parse(read('packaging/prometheus/holdfast-alerts.yml')) as { groups: { name: string; rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);

interface Panel {
  title: string;
  type: string;
  targets?: { expr: string }[];
}
const dashboard = JSON.parse(read('packaging/grafana/holdfast.json')) as { panels: Panel[] };

/** With what a histogram tells besides. */
async function namesOfAScrape(): Promise<Set<string>> {
  const { types } = readScrape((await new Scrape().expose('')).text);
  return new Set(
    [...types].flatMap(([name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`, name] : [name],
    ),
  );
}

test('every metric is told with HELP and TYPE even where there is nothing to tell of it', async (t) => {
  const { types, helps, samples } = readScrape((await new Scrape().expose('')).text);
  t.deepEqual([...types.keys()], metricNames);
  for (const name of metricNames) {
    t.is(types.get(name), metricCatalogue[name].type);
    t.true((helps.get(name) ?? '').length > 5, name);
  }
  t.deepEqual(samples, []);
});

test('names are as Prometheus has them: base units, and _total for what only grows', (t) => {
  for (const [name, { type }] of Object.entries(metricCatalogue)) {
    t.regex(name, /^holdfast_[a-z][a-z0-9_]*$/);
    t.is(name.endsWith('_total'), type === 'counter', name);
    if (type === 'histogram') t.true(name.endsWith('_seconds'), name);
    t.notRegex(name, /_(?:ms|milliseconds|kb|mb|percent|days|count|sum|bucket)$/);
  }
});

test('a histogram is cumulative, in seconds, with the sum and the line of 250 ms', async (t) => {
  const durations = emptyDistribution();
  for (const milliseconds of [1, 3, 245, 251, 9_000]) observe(durations, milliseconds);
  const scrape = new Scrape();
  const of = { vault: 'pay"s\\ \n', key_set: 'k', operation: 'Encrypt' };
  scrape.tellDistribution('holdfast_xks_request_duration_seconds', of, durations);
  for (const accept of ['', 'application/openmetrics-text; version=1.0.0']) {
    const { text, contentType } = await scrape.expose(accept);
    t.true(contentType.startsWith(accept === '' ? 'text/plain' : 'application/openmetrics-text'));
    const { value, samples } = readScrape(text.replace('# EOF\n', ''));
    const below = (le: string) => value('holdfast_xks_request_duration_seconds_bucket', { le });
    t.deepEqual([below('0.001'), below('0.24'), below('0.25'), below('0.5'), below('+Inf')], [1, 2, 3, 4, 5]);
    t.is(value('holdfast_xks_request_duration_seconds_sum'), 9.5);
    t.is(samples[0]?.labels['vault'], of.vault, 'whatever a vault is called');
  }
});

test('OpenMetrics is told to who asks for a version of it that there is, and to nobody else', async (t) => {
  const scrape = new Scrape();
  for (const [accept, is] of [
    ['application/openmetrics-text;version=1.0.0,text/plain;q=0.5', true],
    ['text/plain, application/openmetrics-text', true],
    ['application/openmetrics-text;version=9.9.9', false],
    ['application/openmetrics-text;q=0', false],
    ['*/*', false],
  ] as const)
    t.is((await scrape.expose(accept)).contentType.startsWith('application/openmetrics-text'), is, accept);
});

test('each metric that rules, dashboard and pages name is in a scrape', async (t) => {
  const names = await namesOfAScrape();
  for (const file of [
    'packaging/prometheus/holdfast-alerts.yml',
    'packaging/grafana/holdfast.json',
    'docs/metrics.md',
    'docs/alerts.md',
  ]) {
    const named = [...read(file).matchAll(/\bholdfast_[a-z0-9_]+/g)].map(([name]) => name);
    t.true(file === 'docs/alerts.md' || named.length > 20, file);
    for (const name of named) t.true(names.has(name), `${file}: ${name}`);
  }
});

test('the page of metrics has a row for each, with its type, labels and words', (t) => {
  const page = read('docs/metrics.md')
    .replaceAll(/ +/g, ' ')
    .replaceAll(String.raw`\_`, '_');
  for (const [name, { type, help, labels }] of Object.entries(metricCatalogue)) {
    const told = labels.length === 0 ? '' : ` ${labels.map((label) => `\`${label}\``).join(', ')}`;
    t.true(page.includes(`| \`${name}\` | ${type} |${told} | ${help} |`), name);
  }
});

test('each alert says whom it wakes and has its own heading in docs/alerts.md, and no heading is without one', (t) => {
  const headings = [...read('docs/alerts.md').matchAll(/^### (\w+)\n\n\*\*(page|ticket)\.\*\*/gm)];
  t.deepEqual(
    headings.map(([, name, severity]) => `${name} ${severity}`).toSorted(),
    rules.map(({ alert, labels }) => `${alert} ${labels.severity}`).toSorted(),
  );
  for (const { alert, annotations } of rules)
    t.is(annotations.runbook, `docs/alerts.md#${alert.toLowerCase()}`);
});

test('expressions of rules and panels select by labels that their metric has', (t) => {
  const targets = dashboard.panels.flatMap(({ title, targets: of = [] }) =>
    of.map(({ expr }) => [title, expr] as const),
  );
  t.true(targets.length > 30);
  for (const [where, expr] of [...targets, ...rules.map(({ alert, expr: of }) => [alert, of] as const)])
    for (const [, name = '', inBraces = ''] of expr.matchAll(/\b(holdfast_[a-z0-9_]+)\{([^}]*)\}/g)) {
      const own = name.replace(/_(?:bucket|sum|count)$/, '');
      const known =
        (metricCatalogue as Record<string, { labels: readonly string[] }>)[name] ??
        (metricCatalogue as Record<string, { labels: readonly string[] }>)[own];
      for (const [, label = ''] of inBraces.matchAll(/(\w+)(?:=~|!~|!=|=)"/g))
        t.true(
          ['instance', 'le', ...(known?.labels ?? [])].includes(label),
          `${where}: ${name} has no ${label}`,
        );
    }
});
