// How good rankings are, by the measures of TREC and BEIR.
const NDCG_DEPTH = 10;
const RECALL_DEPTH = 20;
const RECIPROCAL_DEPTH = 10;

/** As far as a ranking is looked at. */
export const DEPTH = Math.max(NDCG_DEPTH, RECALL_DEPTH, RECIPROCAL_DEPTH);

/** @param rankings `{ relevant: Map<id, grade>, ids }`, best first. @returns means over all of them */
export function judge(rankings) {
  const mean = (figure) => rankings.reduce((sum, ranking) => sum + figure(ranking), 0) / rankings.length;
  return {
    queries: rankings.length,
    ndcg: mean(({ ids, relevant }) => {
      const ideal = [...relevant.values()].toSorted((a, b) => b - a);
      return gainOf(ids.map((id) => relevant.get(id) ?? 0)) / gainOf(ideal);
    }),
    recall: mean(
      ({ ids, relevant }) =>
        ids.slice(0, RECALL_DEPTH).filter((id) => relevant.has(id)).length / relevant.size,
    ),
    reciprocalRank: mean(({ ids, relevant }) => {
      const at = ids.slice(0, RECIPROCAL_DEPTH).findIndex((id) => relevant.has(id));
      return at === -1 ? 0 : 1 / (at + 1);
    }),
    withoutHit: mean(({ ids }) => (ids.length === 0 ? 1 : 0)),
  };
}

/** Grades as they are, as trec_eval has it. */
function gainOf(grades) {
  return grades.slice(0, NDCG_DEPTH).reduce((sum, grade, at) => sum + grade / Math.log2(at + 2), 0);
}
