import type { Metric } from '@prometheus-io/client';
import { countOf, latencyBounds, type Distribution } from '../latency.ts';
import {
  metricCatalogue,
  metricNames,
  type HistogramName,
  type LabelsOf,
  type MetricName,
  type NumberName,
} from './catalogue.ts';

interface Sample {
  /** Of a histogram's parts; else it is the metric's own. */
  metricName?: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** The form in which it is answered, and as what. */
export interface Exposition {
  contentType: string;
  text: string;
}

/** All metrics at one moment. Each is told, with HELP and TYPE, whether there is a sample of it or not. */
export class Scrape {
  readonly #samples = new Map<MetricName, Sample[]>(metricNames.map((name) => [name, []]));

  /** A counter's sum, or a gauge; what is not known is left out. */
  tell<N extends NumberName>(name: N, labels: LabelsOf<N>, value: number | undefined): void {
    if (value !== undefined) this.#samples.get(name)?.push({ labels, value });
  }

  /** Milliseconds come out as seconds. */
  tellDistribution<N extends HistogramName>(name: N, labels: LabelsOf<N>, of: Distribution): void {
    const samples = this.#samples.get(name) ?? [];
    let below = 0;
    for (const [at, bound] of latencyBounds.entries()) {
      below += of.buckets[at] ?? 0;
      const le = String(bound / 1_000);
      samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: below });
    }
    const value = countOf(of);
    samples.push(
      { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value },
      { metricName: `${name}_sum`, labels, value: of.sum / 1_000 },
      { metricName: `${name}_count`, labels, value },
    );
  }

  /** As OpenMetrics where the header Accept asks for it, else as Prometheus' text. */
  async expose(accept: string): Promise<Exposition> {
    // Nobody pays for it but who scrapes.
    const { Registry } = await import('@prometheus-io/client');
    const registry = new Registry(
      asksForOpenMetrics(accept) ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
    );
    for (const [name, values] of this.#samples) {
      const { type, help } = metricCatalogue[name];
      // What a registry asks of a metric: its classes count by themselves, in one process.
      const metric = {
        name,
        type,
        help,
        get: async () => Promise.resolve({ name: metric.name, type, help, values }),
      };
      registry.registerMetric(metric as unknown as Metric<string>);
    }
    return { contentType: registry.contentType, text: await registry.metrics() };
  }
}

/** Prometheus asks for several forms, each with how much it likes it; older ones for text alone. */
function asksForOpenMetrics(accept: string): boolean {
  return accept
    .split(',')
    .map((range) => range.trim().split(/\s*;\s*/))
    .some(
      ([type, ...parameters]) =>
        type?.toLowerCase() === 'application/openmetrics-text' &&
        parameters.every((one) => !/^q=0(?:\.0*)?$/.test(one)) &&
        parameters.every((one) => !one.startsWith('version=') || one === 'version=1.0.0'),
    );
}
