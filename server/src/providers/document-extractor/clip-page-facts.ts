import type { PageFacts } from '#platform/ports/document-extractor.js';

import { PAGE_FACTS_LIMITS } from './extraction-protocol.js';

/** The facts of a page without what the parent would not take: the rest of an absurd page is still worth reading. */
export function clipPageFacts(facts: PageFacts): PageFacts {
  const { links, alternates, blocks, urlCharacters, languageCharacters, blockCharacters } = PAGE_FACTS_LIMITS;
  const isFit = (url: string) => url.length <= urlCharacters && /^https?:\/\//.test(url);
  const fitOrNull = (url: string | null) => (url !== null && isFit(url) ? url : null);
  return {
    ...facts,
    links: facts.links.filter(isFit).slice(0, links),
    canonical: fitOrNull(facts.canonical),
    alternates: facts.alternates
      .filter(({ language, url }) => language.length <= languageCharacters && isFit(url))
      .slice(0, alternates),
    refresh: fitOrNull(facts.refresh),
    blocks: facts.blocks.filter((block) => block.length <= blockCharacters).slice(0, blocks),
  };
}
