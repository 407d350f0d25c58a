import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import type { QueryWord } from '#rag/bm25.js';
import { similarTerms, variantPrefix } from '#rag/similar-terms.js';
import { type IndexView, REMEMBERED_WORDS } from './index-view.js';
import { listNeighbourTerms } from './search-index.queries.js';

/** Candidates for the variants of a form, half of them before it in the vocabulary and half behind. */
const MOST_CANDIDATES = 500;
/** Of a longer question only the first words are expanded. */
const MOST_EXPANDED_WORDS = 32;

/** The words of a question with those of the collection that are spelled like them, remembered with the view. */
export async function expandWords(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  { words, view }: { words: readonly string[][]; view: IndexView },
): Promise<QueryWord[]> {
  const expandable = words
    .slice(0, MOST_EXPANDED_WORDS)
    .filter((forms) => forms.some((form) => variantPrefix(form) !== null));
  // Looked up before anything is waited for: another search may forget them meanwhile.
  const variants = new Map(expandable.map((forms) => [keyOf(forms), view.variants.get(keyOf(forms))]));
  const unknown = expandable.filter((forms) => variants.get(keyOf(forms)) === undefined);
  for (const [forms, found] of await findVariants(ctx, scope, unknown)) {
    variants.set(keyOf(forms), found);
    if (view.variants.size >= REMEMBERED_WORDS) view.variants.clear();
    view.variants.set(keyOf(forms), found);
  }
  return words.map((forms) => ({ forms, variants: variants.get(keyOf(forms)) ?? [] }));
}

async function findVariants(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  words: readonly string[][],
): Promise<[string[], ReturnType<typeof similarTerms>][]> {
  const terms = [...new Set(words.flat())].flatMap((term) => {
    const prefix = variantPrefix(term);
    return prefix === null ? [] : [{ term, prefix }];
  });
  if (terms.length === 0) return [];
  const neighbours = await listNeighbourTerms(ctx.db, scope, { terms, limit: MOST_CANDIDATES / 2 });
  return words.map((forms) => {
    const candidates = new Set(forms.flatMap((form) => neighbours.get(form) ?? []));
    return [forms, similarTerms(forms, [...candidates])];
  });
}

/** No term has a space in it. */
function keyOf(forms: readonly string[]): string {
  return forms.join(' ');
}
