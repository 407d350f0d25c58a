import type { Span } from './sentences.js';

const LONG_CHARACTERS = 160;
const EDGE_WORDS = 6;
const EDGE_CHARACTERS = 80;
const LEAST_CHARACTERS = 3;
/** What the text of a page does not show, or shows in another element: nothing is matched across it. */
const MARKUP =
  /!?\[|\]\([^)\s]*(?:\s[^)]*)?\)|[*_`~]{1,3}|\n+(?:[ \t]*(?:[-*+•>]|#{1,6}|\d{1,3}[.)])[ \t]+)?|[ \t]*\|[ \t]*|<[^>\n]*>/gu;

/**
 * A link to a web page that opens it at a quote (WICG, Scroll To Text Fragment): `#:~:text=` with the quote, with its
 * first and last words where it is long or runs over several elements, and with what stands before it where it stands
 * in the text more than once. Null for what is no web page, or where nothing of the quote is plain text.
 */
export function deepLinkOf(url: string | null, text: string, span: Span): string | null {
  if (url === null || !/^https?:\/\//iu.test(url)) return null;
  const quote = text.slice(span.start, span.end);
  const runs = quote
    .split(MARKUP)
    .map((run) => run.trim())
    .filter((run) => run.length >= LEAST_CHARACTERS);
  const [first] = runs;
  const last = runs.at(-1);
  if (first === undefined || last === undefined) return null;
  const isShort = runs.length === 1 && first.length <= LONG_CHARACTERS;
  const directive = isShort ? encode(first) : `${encode(firstWords(first))},${encode(lastWords(last))}`;
  const start = isShort ? first : firstWords(first);
  const prefix = text.indexOf(start) === text.lastIndexOf(start) ? '' : wordsBefore(text, span.start);
  const [page = '', fragment = ''] = url.split(/#(.*)/su);
  const plain = fragment.replace(/:~:.*$/su, '');
  return `${page}#${plain}:~:text=${prefix === '' ? '' : `${encode(prefix)}-,`}${directive}`;
}

function firstWords(run: string): string {
  return run.length <= EDGE_CHARACTERS / 2
    ? run
    : edge(run, /^\S+(?:\s+\S+){0,5}/u, run.slice(0, EDGE_CHARACTERS));
}

function lastWords(run: string): string {
  return run.length <= EDGE_CHARACTERS / 2
    ? run
    : edge(run, /\S+(?:\s+\S+){0,5}$/u, run.slice(-EDGE_CHARACTERS));
}

/** Where words have no spaces, some characters. */
function edge(run: string, words: RegExp, characters: string): string {
  const match = words.exec(run)?.[0] ?? run;
  return match.length <= EDGE_CHARACTERS * 2 ? match : characters.toWellFormed();
}

function wordsBefore(text: string, start: number): string {
  const line = text.slice(0, start).split(MARKUP).at(-1)?.trim() ?? '';
  return line.split(/\s+/u).slice(-EDGE_WORDS).join(' ').slice(-EDGE_CHARACTERS);
}

/** `-`, `,` and `&` mean something in a directive. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/\s+/gu, ' ').toWellFormed()).replaceAll('-', '%2D');
}
