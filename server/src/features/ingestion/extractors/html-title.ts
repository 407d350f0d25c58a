import { type DomDocument, inlineText } from './dom.js';
import { removePermalinks } from './html-permalinks.js';

/** A shorter headline within the title is the name of the site. */
const MIN_HEADLINE_SHARE = 0.4;

export interface PageTitle {
  title: string | null;
  /** The headline that the title repeats, if it does. */
  headline: string | null;
}

/** The headline that the page's title repeats, else the title as it stands, else the first headline. */
export function titleOf(page: DomDocument): PageTitle {
  const element = page.querySelector('title');
  const title = (element === null ? '' : inlineText(element)) || metaTitle(page);
  const headlines = Array.from(page.querySelectorAll('h1'), (headline) => {
    removePermalinks(headline);
    return inlineText(headline);
  }).filter((text) => text.length > 1);
  const repeated = headlines.find(
    (headline) =>
      title.startsWith(headline) ||
      (title.includes(headline) && headline.length >= title.length * MIN_HEADLINE_SHARE),
  );
  const chosen = repeated ?? (title || (headlines[0] ?? null));
  return { title: chosen, headline: headlines.find((text) => text === chosen) ?? null };
}

function metaTitle(page: DomDocument): string {
  return page.querySelector('meta[property="og:title"]')?.getAttribute('content')?.trim() ?? '';
}
