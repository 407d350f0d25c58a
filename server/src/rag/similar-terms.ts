/** Terms that may be spelled differently and mean the same; scripts without an alphabet have none. */
const EXPANDABLE =
  /^[\p{sc=Latin}\p{sc=Cyrillic}\p{sc=Greek}\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Armenian}\p{sc=Georgian}\p{sc=Devanagari}\p{sc=Bengali}\p{sc=Tamil}][\p{L}\p{M}\p{N}]{3,}$/u;
/** Both have the same first letters, so that candidates are one range of a sorted vocabulary. */
const PREFIX_CHARACTERS = 3;
const LEAST_LIKENESS = 0.5;
const VARIANT_WEIGHT = 0.4;
const MOST_VARIANTS = 40;

/** The start that similar terms share with a term; null for a term that has no variants. */
export function variantPrefix(term: string): string | null {
  return EXPANDABLE.test(term) ? term.slice(0, PREFIX_CHARACTERS) : null;
}

/**
 * The terms of a vocabulary that are spelled like a word's forms: other endings, compounds, slips. By Dice's
 * coefficient of their character trigrams, from 0.5 on, the most alike first, with a weight of 0.4 times the likeness.
 */
export function similarTerms(
  forms: readonly string[],
  vocabulary: readonly string[],
): { term: string; weight: number }[] {
  const known = forms.filter((form) => variantPrefix(form) !== null).map(trigramsOf);
  if (known.length === 0) return [];
  const similar: { term: string; weight: number }[] = [];
  for (const term of vocabulary) {
    if (forms.includes(term) || variantPrefix(term) === null) continue;
    const trigrams = trigramsOf(term);
    const likeness = Math.max(...known.map((own) => dice(own, trigrams)));
    if (likeness >= LEAST_LIKENESS) similar.push({ term, weight: VARIANT_WEIGHT * likeness });
  }
  return similar
    .toSorted((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1))
    .slice(0, MOST_VARIANTS);
}

function trigramsOf(term: string): Set<string> {
  const padded = `^${term}$`;
  const trigrams = new Set<string>();
  for (let start = 0; start + 3 <= padded.length; start += 1) trigrams.add(padded.slice(start, start + 3));
  return trigrams;
}

function dice(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let common = 0;
  for (const trigram of a) if (b.has(trigram)) common += 1;
  return (2 * common) / (a.size + b.size);
}
