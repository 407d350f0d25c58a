import { parseArgs } from 'node:util';
import { AppError } from '#kernel/app-error.js';
import { isId } from '#kernel/ids.js';
import type { RuntimeConfig } from '#platform/config/runtime-config.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import type { AnswerContext } from '#features/chat/answer-question.js';
import { type Evaluation, evaluateOnce } from '#features/evaluation/evaluate-once.js';
import { createLruSearchCache } from '#providers/search-cache/lru-search-cache.js';
import { createLruSearchMemory } from '#providers/search-memory/lru-search-memory.js';
import { openDatabase } from './open-database.js';
import { openModels } from './open-models.js';

const USAGE = 'Usage: eval --project <id> --test-set <id> [--fail-under hitRate=0.9,refusalAccuracy=0.8]';
/** Shares that are better when they are higher. */
const THRESHOLDS = [
  'passRate',
  'hitRate',
  'mrr',
  'citationPrecision',
  'refusalAccuracy',
  'answeredShare',
] as const;
const SEARCH_CACHE = { maxBytes: 1024, ttlMs: 1_000 };
const SEARCH_MEMORY = { maxBytes: 64 * 1024 * 1024, concurrency: 1 };
const MAX_CASES_TOLD = 20;
const MAX_QUESTION_TOLD = 70;

type Threshold = (typeof THRESHOLDS)[number];

export interface EvalOptions {
  projectId: string;
  testSetId: string;
  failUnder: Partial<Record<Threshold, number>>;
}

/** Reads the arguments of the command. @throws AppError `validation_failed` */
export function parseEvalOptions(args: string[]): EvalOptions {
  const values = readArguments(args);
  const { project: projectId = '', 'test-set': testSetId = '' } = values;
  if (!isId(projectId)) throw invalid('--project must be the id of a project.');
  if (!isId(testSetId)) throw invalid('--test-set must be the id of a test set of that project.');
  const parts = (values['fail-under'] ?? '').split(',').filter((part) => part !== '');
  const failUnder = Object.fromEntries(parts.map(parseThreshold));
  return { projectId, testSetId, failUnder };
}

function readArguments(args: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args, options: { project: text, 'test-set': text, 'fail-under': text } }).values;
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : 'The arguments cannot be read.');
  }
}

function parseThreshold(part: string): [Threshold, number] {
  const [, name, value] = /^\s*(\w+)\s*=\s*(\d*\.?\d+)\s*$/.exec(part) ?? [];
  const metric = THRESHOLDS.find((known) => known === name);
  const least = Number(value);
  if (metric === undefined || !(least >= 0 && least <= 1)) {
    throw invalid(
      `--fail-under: ${JSON.stringify(part)} must be <figure>=<0 to 1>, with one of the figures ${THRESHOLDS.join(', ')}.`,
    );
  }
  return [metric, least];
}

function invalid(message: string): AppError {
  return new AppError('validation_failed', `${message}\n${USAGE}`);
}

/** Opens the database and the models that the configuration names, and evaluates in this process. */
export async function runEvalCommand(
  config: RuntimeConfig,
  options: EvalOptions,
): ReturnType<typeof evaluateForCommand> {
  const metrics = createMetrics();
  const log = createLogger('warn');
  const database = await openDatabase(config, log, metrics);
  try {
    const searchCache = createLruSearchCache(SEARCH_CACHE);
    const searchMemory = createLruSearchMemory(SEARCH_MEMORY);
    const models = openModels(config, metrics);
    const ctx = { db: database.db, config, log, metrics, searchCache, searchMemory, ...models };
    return await evaluateForCommand(ctx, options);
  } finally {
    await database.close();
  }
}

/**
 * Runs a test set under the project's settings.
 * @returns what to print, and whether a figure is below what was asked for
 * @throws AppError `not_found`, `unusable_content` for a set without cases
 */
export async function evaluateForCommand(
  ctx: AnswerContext,
  options: EvalOptions,
): Promise<{ text: string; isUnder: boolean }> {
  const evaluation = await evaluateOnce(ctx, options, new AbortController().signal);
  if (evaluation.metrics.cases === 0) {
    throw new AppError('unusable_content', 'The test set has no cases yet. Add some first.');
  }
  const rows = rowsOf(evaluation, options.failUnder);
  const text = [
    `${evaluation.testSetName}: ${evaluation.metrics.cases} cases`,
    '',
    ...table([['Figure', 'Value', 'At least', ''], ...rows.map(({ cells }) => cells)]),
    '',
    summaryOf(evaluation),
    ...describeFailures(evaluation),
  ];
  return { text: `${text.join('\n')}\n`, isUnder: rows.some(({ isUnder }) => isUnder) };
}

function rowsOf({ metrics }: Evaluation, failUnder: EvalOptions['failUnder']) {
  const labels: Record<Threshold, string> = {
    passRate: 'passRate: came out as expected',
    hitRate: 'hitRate: what was expected is found',
    mrr: 'mrr: and how far up',
    citationPrecision: 'citationPrecision: citations of it',
    refusalAccuracy: 'refusalAccuracy: answered or refused rightly',
    answeredShare: 'answeredShare',
  };
  const shares = THRESHOLDS.map((name) => {
    const value = metrics[name];
    const least = failUnder[name];
    // What was asked for and cannot be measured is not reached either.
    const isUnder = least !== undefined && (value === null || value < least);
    const verdict = least === undefined ? '' : isUnder ? 'UNDER' : 'ok';
    return { isUnder, cells: [labels[name], shareOf(value), least?.toFixed(3) ?? '', verdict] };
  });
  const falseAccepts = [
    'falseAcceptRate: answered though to refuse',
    shareOf(metrics.falseAcceptRate),
    '',
    '',
  ];
  return [...shares, { isUnder: false, cells: falseAccepts }];
}

function summaryOf({ metrics }: Evaluation): string {
  const { answered, refused, failed, cost, currency, meanLatencyMs, p95LatencyMs } = metrics;
  return [
    `${answered} answered, ${refused} refused, ${failed} failed`,
    `${Number(cost)} ${currency ?? ''}`,
    `${meanLatencyMs ?? 0} ms an answer, 95 of 100 within ${p95LatencyMs ?? 0} ms`,
  ].join('; ');
}

function shareOf(value: number | null): string {
  return value === null ? '–' : value.toFixed(3);
}

/** Names to the left, figures to the right. */
function table(rows: string[][]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 1 || column === 2 ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
  const [header = '', ...body] = lines;
  return [header, '-'.repeat(Math.max(...lines.map(({ length }) => length))), ...body];
}

function describeFailures({ results }: Evaluation): string[] {
  const failures = results.filter(({ isPassed }) => !isPassed);
  if (failures.length === 0) return [];
  const told = failures.slice(0, MAX_CASES_TOLD).map(({ question, outcome, refusalReason, expectation }) => {
    const line = question.replace(/\s+/g, ' ').slice(0, MAX_QUESTION_TOLD);
    const why = refusalReason === null ? '' : ` (${refusalReason})`;
    const wanted =
      expectation === 'answer' && outcome === 'answered' ? 'without a citation of what was expected' : '';
    const expected =
      wanted === '' ? `where ${expectation === 'refuse' ? 'a refusal' : 'an answer'} was expected` : wanted;
    return `  ${line}\n    ${outcome}${why} ${expected}`;
  });
  const more = failures.length - told.length;
  return ['', 'Not as expected:', ...told, ...(more > 0 ? [`  and ${more} more`] : [])];
}
