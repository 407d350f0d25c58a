import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { type TestApp, createTestApp } from './create-test-app.js';

const readOperations = (path: string) =>
  readFileSync(new URL(`../../operations/${path}`, import.meta.url), 'utf8');

const rules = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.strictObject({
            alert: z.string(),
            expr: z.string(),
            for: z.string().optional(),
            labels: z.object({ severity: z.enum(['warning', 'critical']) }),
            annotations: z.object({ summary: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(parse(readOperations('prometheus/rules.yaml')))
  .groups.flatMap(({ rules: all }) => all);

const datasource = z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') });
const position = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() });
const dashboard = z
  .object({
    templating: z.object({
      list: z.array(z.object({ name: z.string(), type: z.string(), definition: z.string().optional() })),
    }),
    panels: z.array(
      z.discriminatedUnion('type', [
        z.object({ id: z.number(), type: z.literal('row'), title: z.string(), gridPos: position }),
        z.object({
          id: z.number(),
          type: z.enum(['timeseries', 'stat']),
          title: z.string(),
          gridPos: position,
          datasource,
          targets: z.array(z.object({ datasource, expr: z.string(), legendFormat: z.string() })).min(1),
        }),
      ]),
    ),
  })
  .parse(JSON.parse(readOperations('grafana/dashboard.json')));

const panelQueries = dashboard.panels.flatMap((panel) =>
  panel.type === 'row' ? [] : panel.targets.map((target) => ({ ...target, where: panel.title })),
);
const variableQueries = dashboard.templating.list.flatMap(({ name, definition }) =>
  definition === undefined ? [] : [{ where: `variable ${name}`, expr: definition }],
);
const expressions = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...panelQueries,
  ...variableQueries,
];

/** Of the scrape itself: a series without a process, and labels on every series. */
const SCRAPE_METRICS = ['up'];
const SCRAPE_LABELS = ['job', 'instance'];
const PROMQL_WORDS =
  /^(?:and|or|unless|changes|histogram_quantile|increase|label_values|max|min|min_over_time|rate|sum|topk)$/;

let app: TestApp;
/** Names of series that `/metrics` describes, and the labels that each can have. */
let labelsOf: Map<string, Set<string>>;

beforeAll(async () => {
  app = await createTestApp();
  const { body } = await app.request('GET', '/metrics');
  labelsOf = new Map(SCRAPE_METRICS.map((name) => [name, new Set(SCRAPE_LABELS)]));
  for (const [, name = '', type] of String(body).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (!String(body).includes(`# HELP ${name} `)) throw new Error(`${name} has no help`);
    const metric = app.ctx.metrics.registry.getSingleMetric(name);
    const own = Object.values(z.object({ labelNames: z.array(z.string()) }).parse(metric).labelNames);
    const labels = new Set([...SCRAPE_LABELS, ...own]);
    if (type === 'histogram') {
      labelsOf.set(`${name}_bucket`, new Set([...labels, 'le']));
      labelsOf.set(`${name}_count`, labels);
      labelsOf.set(`${name}_sum`, labels);
    } else {
      labelsOf.set(name, labels);
    }
  }
});
afterAll(() => app.close());

interface Query {
  metrics: { name: string; labels: string[] }[];
  /** Of `by (…)`, and the second argument of `label_values`. */
  groupedBy: string[];
  /** Words that are neither metrics nor PromQL. */
  unknown: string[];
}

/** Takes an expression apart as far as its names go. */
function readExpression(expr: string): Query {
  const metrics: Query['metrics'] = [];
  const groupedBy: string[] = [];
  const rest = expr
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\b([a-z_0-9]+)\{([^}]*)\}/g, (_all, name: string, matchers: string) => {
      metrics.push({ name, labels: matchers.match(/[a-z_]+(?=\s*[=!])/g) ?? [] });
      return ' ';
    })
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(
      /\bby \(([^)]*)\)|(?<=label_values\([^)]*), (\w+)\)/g,
      (_all, by?: string, value?: string) => {
        groupedBy.push(...(by ?? value ?? '').split(',').map((label) => label.trim()));
        return ' ';
      },
    );
  const unknown: string[] = [];
  for (const word of rest.match(/[a-z_][a-z_0-9]*/gi) ?? []) {
    if (labelsOf.has(word)) metrics.push({ name: word, labels: [] });
    else if (!PROMQL_WORDS.test(word)) unknown.push(word);
  }
  return { metrics, groupedBy, unknown };
}

/** Labels that what an expression gives can have. */
function resultLabels({ metrics, groupedBy }: Query): string[] {
  return groupedBy.length > 0 ? groupedBy : [...(labelsOf.get(metrics[0]?.name ?? '') ?? [])];
}

describe('every expression of the rules and the dashboard', () => {
  it.each(expressions)('$where: names series and labels that /metrics has: $expr', ({ expr }) => {
    const { metrics, groupedBy, unknown } = readExpression(expr);
    expect(unknown).toEqual([]);
    expect(metrics.length).toBeGreaterThan(0);
    for (const { name, labels } of metrics) {
      const known = [...(labelsOf.get(name) ?? [])];
      expect({ name, known }).toEqual({
        name,
        known: expect.arrayContaining(['job', ...labels, ...groupedBy]),
      });
    }
  });

  it.each(['()', '{}', '[]'])('closes each of its %s', ([open = '', close = '']) => {
    const unbalanced = expressions.filter(({ expr }) => expr.split(open).length !== expr.split(close).length);
    expect(unbalanced).toEqual([]);
  });
});

describe('the rules', () => {
  it('have a name of their own each, and say what to do with labels that their series have', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { expr, annotations } of rules) {
      const used = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      expect(resultLabels(readExpression(expr))).toEqual(expect.arrayContaining(used));
      expect(annotations.summary.split(/[.;:] /).length).toBeGreaterThan(1);
    }
  });

  it.each([
    ['an instance that is down', /\bup\{/],
    ['5xx', /status=~"5\.\."/],
    ['latency', /histogram_quantile\(0\.95.*botbase_http_request_duration_seconds_bucket/],
    ['the age of jobs', /botbase_job_oldest_due_seconds/],
    ['failing jobs', /botbase_job_duration_seconds_count\{outcome="failed"\}/],
    ['an open circuit', /botbase_model_endpoint_circuit\{state="open"\}/],
    ['a pool that is waited for', /botbase_database_pool_waiting/],
    ['the disk', /botbase_disk_free_bytes/],
    ['scheduled tasks', /botbase_scheduled_task_overdue_seconds/],
    ['Redis', /botbase_redis_up == 0/],
    ['the event loop', /nodejs_eventloop_lag_p99_seconds/],
  ])('watch %s', (_what, pattern) => {
    expect(rules.some(({ expr }) => pattern.test(expr))).toBe(true);
  });
});

describe('the dashboard', () => {
  it('has a row for each part, panels with ids of their own, and none that overlap', () => {
    const { panels } = dashboard;
    expect(panels.flatMap((panel) => (panel.type === 'row' ? [panel.title] : []))).toEqual([
      'Traffic',
      'Answers',
      'Jobs',
      'Retrieval',
      'Models',
      'Database',
      'Process',
    ]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_none, cell) => `${x + (cell % w)}/${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('names its lines by labels that they have', () => {
    for (const { expr, legendFormat } of panelQueries) {
      const used = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      expect({ expr, labels: resultLabels(readExpression(expr)) }).toEqual({
        expr,
        labels: expect.arrayContaining(used),
      });
    }
  });
});
