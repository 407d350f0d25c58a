// How long single searches take, one after the other.
import { describe, quantile } from '../botbase.mjs';

/** Asked before anything is measured. */
const WARM_UP = 20;

/** Queries for some rounds, each asked once, so that no cache answers; the same for every arm. */
export function chooseQueries(queries, { rounds, perRound }) {
  const wanted = Math.min(rounds * perRound + WARM_UP, queries.length);
  const chosen = Array.from(
    { length: wanted },
    (_, at) => queries[Math.floor((at * queries.length) / wanted)],
  );
  const measured = chosen.slice(WARM_UP);
  const size = Math.floor(measured.length / rounds);
  return {
    warmUp: chosen.slice(0, WARM_UP),
    rounds: Array.from({ length: rounds }, (_, round) => measured.slice(round * size, (round + 1) * size)),
  };
}

/** @param arms functions by name, asked in turn. @returns by name a list of `{ p50, p95 }` in ms, one of each round */
export async function measureLatency(arms, { warmUp, rounds }) {
  for (const { text } of warmUp) for (const ask of Object.values(arms)) await ask(text);
  const figures = Object.fromEntries(Object.keys(arms).map((name) => [name, []]));
  for (const queries of rounds) {
    const times = Object.fromEntries(Object.keys(arms).map((name) => [name, []]));
    for (const { text } of queries) {
      for (const [name, ask] of Object.entries(arms)) {
        const startedAt = performance.now();
        await ask(text);
        times[name].push(performance.now() - startedAt);
      }
    }
    for (const [name, all] of Object.entries(times)) {
      const sorted = all.toSorted((a, b) => a - b);
      figures[name].push({ p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) });
    }
  }
  return figures;
}

/** How many searches of one arm these are. */
export function countSearches({ warmUp, rounds }) {
  return rounds.reduce((sum, queries) => sum + queries.length, warmUp.length);
}

/** Median over the rounds, with the range where there is one. */
export function latencyCell(figures, part) {
  return describe(
    figures.map((round) => round[part]),
    1,
  );
}
