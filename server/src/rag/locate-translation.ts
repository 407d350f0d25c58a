import type { Claim, Evidence, EvidenceSentence } from './evidence.js';
import type { Located } from './locate-claim.js';

/** With more of its words than this in the passage, a claim is no translation, but another statement. */
const FOREIGN_COVERAGE = 0.5;
const LEAST_NAME_CHARACTERS = 3;
const QUOTED = /["“„«»”「『]([^"“„«»”「」『』\n]{3,80})["”“«»」』]/gu;

/**
 * Where a passage in another language speaks of what a claim says: by what stays the same in a translation, its
 * numbers, names, codes and quoted words. All of its numbers and one such anchor must stand in one sentence or two
 * neighbours. It is a place at best, so it is located in part.
 */
export function locateTranslation(
  claim: Claim,
  evidence: Evidence,
  weightOf: (term: string) => number,
): Located | null {
  const quoted = Array.from(claim.text.matchAll(QUOTED), ([, phrase = '']) => phrase.toLowerCase());
  const names = [...claim.names.sure, ...claim.names.possible].filter(
    (name) => name.length >= LEAST_NAME_CHARACTERS,
  );
  if (coverage(claim, evidence) > FOREIGN_COVERAGE) return null;
  let best: { located: Located; weight: number } | null = null;
  for (const [index, sentence] of evidence.sentences.entries()) {
    const next = evidence.sentences[index + 1];
    for (const sentences of next === undefined ? [[sentence]] : [[sentence], [sentence, next]]) {
      const weight = anchorWeight(claim, sentences, names, quoted, evidence.text, weightOf);
      if (weight <= (best?.weight ?? 0)) continue;
      const span = { start: sentence.start, end: sentences.at(-1)!.end };
      best = { located: { span, support: 'partly_located', coverage: 0 }, weight };
    }
  }
  return best?.located ?? null;
}

function anchorWeight(
  claim: Claim,
  sentences: readonly EvidenceSentence[],
  names: readonly string[],
  quoted: readonly string[],
  text: string,
  weightOf: (term: string) => number,
): number {
  const values = new Set(sentences.flatMap(({ figures }) => figures.map(({ value }) => value)));
  if (!claim.figures.every(({ value }) => values.has(value))) return 0;
  const shown = text.slice(sentences[0]!.start, sentences.at(-1)!.end).toLowerCase();
  let weight = 0;
  for (const { value } of claim.figures) weight += weightOf(value);
  for (const name of names) if (sentences.some(({ terms }) => terms.has(name))) weight += weightOf(name);
  for (const phrase of quoted) if (shown.includes(phrase)) weight += phrase.length;
  return weight;
}

function coverage(claim: Claim, evidence: Evidence): number {
  const anchors = new Set([...claim.names.sure, ...claim.figures.map(({ value }) => value)]);
  const words = [...claim.terms].filter((term) => !anchors.has(term));
  if (words.length === 0) return 0;
  return (
    words.filter((term) => evidence.sentences.some(({ terms }) => terms.has(term))).length / words.length
  );
}
