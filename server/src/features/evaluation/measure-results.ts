import type { CaseResult } from './evaluate-case.js';
import { isAnyExpected } from './expected.js';

/** What is measured: a result without its texts. */
export type MeasuredResult = Omit<CaseResult, 'content' | 'citations' | 'passages'> & { testCaseId: string };

/** How the cases of a test set came out under one variant. Shares are 0 to 1; null where no case tells. */
export interface EvaluationMetrics {
  cases: number;
  answered: number;
  refused: number;
  /** The model did not answer: they count as neither answered nor refused. */
  failed: number;
  /** Share of the cases that came out as expected. */
  passRate: number | null;
  /** Share of the cases with an expected source or text for which it is among the passages found. */
  hitRate: number | null;
  /** Mean of 1 / the rank of the first of these passages; 0 where there is none. */
  mrr: number | null;
  /** Share of the citations in answers to these cases that are of the expected source and text. */
  citationPrecision: number | null;
  /** Share of all cases that were answered or refused as expected. */
  refusalAccuracy: number | null;
  /** Share of the cases to refuse that were answered. */
  falseAcceptRate: number | null;
  answeredShare: number | null;
  cost: string;
  currency: string | null;
  meanLatencyMs: number | null;
  p95LatencyMs: number | null;
  /** Against the first variant, case by case: passed here alone, there alone, or alike. */
  paired: { won: number; lost: number; tied: number } | null;
}

const COST_DECIMALS = 9;

/** @param first the results of the first variant, to compare with; null for those themselves */
export function measureResults(
  results: readonly MeasuredResult[],
  first: readonly MeasuredResult[] | null,
): EvaluationMetrics {
  const toFind = results.filter(isAnyExpected);
  const toRefuse = results.filter(({ expectation }) => expectation === 'refuse');
  const citations = sum(toFind.map(({ citationCount }) => citationCount));
  const latencies = results.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b);
  const meanLatencyMs = mean(latencies);
  return {
    cases: results.length,
    answered: countOf(results, isAnswered),
    refused: countOf(results, ({ outcome }) => outcome === 'refused'),
    failed: countOf(results, ({ outcome }) => outcome === 'failed'),
    passRate: shareOf(results, ({ isPassed }) => isPassed),
    hitRate: shareOf(toFind, ({ rank }) => rank !== null),
    mrr: mean(toFind.map(({ rank }) => (rank === null ? 0 : 1 / rank))),
    citationPrecision:
      citations === 0 ? null : sum(toFind.map((result) => result.expectedCitationCount)) / citations,
    refusalAccuracy: shareOf(
      results,
      ({ expectation, outcome }) => outcome === (expectation === 'refuse' ? 'refused' : 'answered'),
    ),
    falseAcceptRate: shareOf(toRefuse, isAnswered),
    answeredShare: shareOf(results, isAnswered),
    cost: sum(results.map(({ cost }) => Number(cost))).toFixed(COST_DECIMALS),
    currency: results[0]?.currency ?? null,
    meanLatencyMs: meanLatencyMs === null ? null : Math.round(meanLatencyMs),
    // The nearest rank.
    p95LatencyMs: latencies[Math.ceil(latencies.length * 0.95) - 1] ?? null,
    paired: first === null ? null : pairUp(results, first),
  };
}

function pairUp(results: readonly MeasuredResult[], first: readonly MeasuredResult[]) {
  const passedFirst = new Map(first.map(({ testCaseId, isPassed }) => [testCaseId, isPassed]));
  const paired = { won: 0, lost: 0, tied: 0 };
  for (const { testCaseId, isPassed } of results) {
    const before = passedFirst.get(testCaseId);
    if (before === undefined) continue;
    if (before === isPassed) paired.tied += 1;
    else if (isPassed) paired.won += 1;
    else paired.lost += 1;
  }
  return paired;
}

const isAnswered = ({ outcome }: MeasuredResult) => outcome === 'answered';

function countOf(results: readonly MeasuredResult[], is: (result: MeasuredResult) => boolean): number {
  return results.filter(is).length;
}

function shareOf(results: readonly MeasuredResult[], is: (result: MeasuredResult) => boolean): number | null {
  return results.length === 0 ? null : countOf(results, is) / results.length;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
