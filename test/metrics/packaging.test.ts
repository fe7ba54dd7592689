import { readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'yaml';
import { allTroubles, type Trouble } from '../../src/admin/status/findings.ts';
import { recordsPatience } from '../../src/admin/metrics/metrics.ts';
import { callerPatience } from '../../src/http/caller-without-store.ts';
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

/** Findings whose alert goes by a metric of its own, which tells more or sooner. */
const toldByAnother: Partial<Record<Trouble, string>> = {
  STORE_UNWRITABLE: 'HoldfastStoreUnwritable',
  STORE_WENT_BACK: 'HoldfastStoreWentBack',
  TOKEN_DOWN: 'HoldfastTokenDown',
  TOKEN_DEGRADED: 'HoldfastTokenDegraded',
  PIN_REFUSED: 'HoldfastPinRefused',
  CERTIFICATE_EXPIRED: 'HoldfastCertificateEnds',
  CERTIFICATE_ENDS: 'HoldfastCertificateEnds',
  CERTIFICATE_NOT_TAKEN: 'HoldfastCertificateRefused',
  DISK_NEARLY_FULL: 'HoldfastDiskNearlyFull',
  LEASE_ENDED: 'HoldfastLeaseEnded',
  SUPERVISOR_SILENT: 'HoldfastSupervisorSilent',
  QUOTA_NEAR: 'HoldfastRequestsThrottled',
  ENCRYPTION_LIMIT_NEAR: 'HoldfastBudgetSpent',
};

test('each finding has an alert, its own or that of a metric, and no rule asks for one that there is not', (t) => {
  const asked = rules.flatMap(({ expr }) =>
    [...expr.matchAll(/holdfast_findings_open\{trouble=~?"([^"]*)"\}/g)].flatMap(([, of = '']) =>
      of.split('|'),
    ),
  );
  t.true(asked.length > 10);
  t.deepEqual([...asked, ...Object.keys(toldByAnother)].toSorted(), [...allTroubles].toSorted());
  const alerts = new Set(rules.map(({ alert }) => alert));
  for (const alert of Object.values(toldByAnother)) t.true(alerts.has(alert), alert);
  for (const { alert, expr } of rules)
    t.notRegex(expr, /holdfast_findings\{/, `${alert}: what is acknowledged alerts nobody`);
});

test('alerts group by labels that a metric of theirs has, and name no other', (t) => {
  const catalogue: Record<string, { labels: readonly string[] }> = metricCatalogue;
  for (const { alert, expr, annotations } of rules) {
    const named = [...expr.matchAll(/\bholdfast_[a-z0-9_]+/g)].map(([name]) => name);
    const labels = new Set(
      named.flatMap(
        (name) => (catalogue[name] ?? catalogue[name.replace(/_(?:bucket|sum|count)$/, '')])?.labels ?? [],
      ),
    );
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].map(([, by = '']) => by.split(/, */));
    for (const label of grouped.flat())
      t.true(['instance', 'le'].includes(label) || labels.has(label), `${alert} groups by ${label}`);
    for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g)) {
      t.true(label === 'instance' || labels.has(label), `${alert} names ${label}`);
      // What is summed up has no other labels any more.
      if (grouped.length > 0) t.true(grouped.flat().includes(label), `${alert} names ${label}`);
      t.notRegex(expr, /^max\(/, `${alert} names ${label}`);
    }
  }
});

test('a scrape waits for a database that hangs for less time than Prometheus waits for it', (t) => {
  const {
    scrape_configs: [config],
  } = parse(read('packaging/prometheus/prometheus.yml')) as {
    scrape_configs: [{ scrape_timeout: string }];
  };
  t.is(config.scrape_timeout, '10s');
  // The rest is what is asked of the supervisor meanwhile, and what it takes to write it down.
  t.true(callerPatience + recordsPatience <= 8_000);
});
