import { charsetOfMediaType, decodeText } from './decode-text.js';
import type { Extractor } from './extractor.js';
import { normalizeText } from './normalize-text.js';
import { refuseBinary } from './plain-text.js';

const FRONT_MATTER = /^(---|\+\+\+)[ \t]*\n([\s\S]*?\n)?\1[ \t]*(?:\n|$)/;
const FENCED = /^ {0,3}(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^ {0,3}\1[`~]*[ \t]*$|(?![\s\S]))/gm;
const COMMENT_OR_FENCE = new RegExp(`${FENCED.source}|<!--[\\s\\S]*?(?:-->|(?![\\s\\S]))`, 'gm');

/** Reads Markdown as it stands, without its front matter and its comments, which no reader sees. */
export const extractMarkdown: Extractor = async (bytes, hints) => {
  const text = decodeText(bytes, charsetOfMediaType(hints.mediaType))
    .replace(/\r\n?/g, '\n')
    .replace(/^\ufeff/, '');
  refuseBinary(text);
  const frontMatter = FRONT_MATTER.exec(text);
  const body = text
    .slice(frontMatter?.[0].length ?? 0)
    .replace(COMMENT_OR_FENCE, (part) => (part.startsWith('<!--') ? '' : part));
  const content = normalizeText(body, 'markdown');
  const title = titleOfFirstHeading(content) ?? titleOfFrontMatter(frontMatter?.[2] ?? '');
  return { title, content, format: 'markdown', pages: [] };
};

/** The text of the first level-one heading (`# x` or underlined with `=`), or null. */
export function titleOfFirstHeading(markdown: string): string | null {
  const withoutCode = markdown.replace(FENCED, '');
  const heading = /^ {0,3}#[ \t]+(\S[^\n]*)$|^ {0,3}(\S[^\n]*)\n {0,3}=+$/m.exec(withoutCode);
  const text = (heading?.[1]?.replace(/\s#+$/, '') ?? heading?.[2] ?? '')
    .replace(/!?\[([^[\]]*)\]\([^()]*\)/g, '$1')
    .replace(/[*_`]+/g, '')
    .trim();
  return text === '' ? null : text;
}

function titleOfFrontMatter(frontMatter: string): string | null {
  const value = /^title\s*[:=]\s*(.+?)\s*$/m.exec(frontMatter)?.[1] ?? '';
  const title = value.replace(/^(["'])(.*)\1$/, '$2').trim();
  return title === '' ? null : title;
}
