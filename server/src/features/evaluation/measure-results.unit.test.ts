import { describe, expect, it } from 'vitest';
import { type MeasuredResult, measureResults } from './measure-results.js';

function resultOf(testCaseId: string, changes: Partial<MeasuredResult> = {}): MeasuredResult {
  return {
    testCaseId,
    expectation: 'answer',
    expectedSourceId: null,
    expectedText: 'Biscuit',
    outcome: 'answered',
    refusalReason: null,
    isPassed: true,
    rank: 1,
    citationCount: 1,
    expectedCitationCount: 1,
    confidence: 'high',
    model: 'builtin',
    inputTokens: 0,
    outputTokens: 0,
    cost: '0',
    currency: 'USD',
    latencyMs: 10,
    ...changes,
  };
}

describe('the figures of a run', () => {
  it('count ranks, citations, costs and times', () => {
    const slow = Array.from({ length: 17 }, (_, index) =>
      resultOf(`slow ${index}`, {
        latencyMs: 30 + index,
        rank: null,
        citationCount: 0,
        expectedCitationCount: 0,
      }),
    );
    const metrics = measureResults(
      [
        resultOf('first', { rank: 2, citationCount: 4, expectedCitationCount: 1, cost: '0.000000123' }),
        resultOf('second', { rank: 4, cost: '0.000000004', latencyMs: 1_000 }),
        resultOf('third', { expectation: 'refuse', expectedText: null, rank: null, latencyMs: 2_000 }),
        ...slow,
      ],
      null,
    );
    expect(metrics).toMatchObject({
      cases: 20,
      hitRate: 2 / 19,
      mrr: 0.75 / 19,
      citationPrecision: 2 / 5,
      falseAcceptRate: 1,
      refusalAccuracy: 0.95,
      cost: '0.000000127',
      meanLatencyMs: Math.round((10 + 1_000 + 2_000 + 17 * 38) / 20),
      p95LatencyMs: 1_000,
    });
  });

  it('are null where no case tells', () => {
    const refused = resultOf('one', {
      expectation: 'refuse',
      expectedText: null,
      outcome: 'refused',
      citationCount: 0,
      rank: null,
    });
    expect(measureResults([refused], null)).toMatchObject({
      hitRate: null,
      mrr: null,
      citationPrecision: null,
      falseAcceptRate: 0,
    });
    const none = {
      passRate: null,
      refusalAccuracy: null,
      falseAcceptRate: null,
      p95LatencyMs: null,
      currency: null,
    };
    expect(measureResults([], null)).toMatchObject(none);
  });

  it('pair the cases that both variants have', () => {
    const first = ['a', 'b', 'c', 'd'].map((id) => resultOf(id, { isPassed: id < 'c' }));
    const second = ['a', 'b', 'c', 'e'].map((id) => resultOf(id, { isPassed: id !== 'b' }));
    expect(measureResults(second, first).paired).toEqual({ won: 1, lost: 1, tied: 1 });
  });
});
