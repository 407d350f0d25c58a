import { prepareWord } from './analyzer/fold.js';

/** What was found at the start of a text: nothing, something of a length, or not yet to be told. */
export type Found<T> = (T & { length: number }) | 'more' | null;

/** Longer than these nothing is waited for. */
const LONGEST_LABEL_CHARACTERS = 300;
const LONGEST_DESTINATION_CHARACTERS = 1_000;
const LONGEST_TAG_CHARACTERS = 500;
const LONGEST_CODE_CHARACTERS = 300;
const LONGEST_MARKER_CHARACTERS = 40;
const LONGEST_ENTITY_CHARACTERS = 12;
const MOST_IN_RANGE = 10;

const NUMBERS = String.raw`\^?\p{Nd}{1,12}(?:\s*[-–,;，、]\s*\^?\p{Nd}{1,12})*`;
const MARKER = new RegExp(String.raw`^[\[【]\s*(${NUMBERS})\s*[\]】]`, 'u');
const MAYBE_MARKER = /^[[【][\p{Nd},;，、^–\- \t]*$/u;

/** A marker: `[1]`, `[1, 2]`, `[1-3]`, `[^1]`, `【1】`, in the digits of any script. */
export function findMarker(rest: string, isEnd: boolean): Found<{ numbers: number[] }> {
  const window = rest.slice(0, LONGEST_MARKER_CHARACTERS);
  const match = MARKER.exec(window);
  if (match !== null) return { length: match[0].length, numbers: numbersOf(match[1] ?? '') };
  return !isEnd && rest.length < LONGEST_MARKER_CHARACTERS && MAYBE_MARKER.test(rest) ? 'more' : null;
}

function numbersOf(list: string): number[] {
  const ascii = prepareWord(list.normalize('NFKC'), 'und').replaceAll('^', '');
  return ascii.split(/[,;，、]/u).flatMap((part) => {
    const [first = 0, last = first] = part.split(/[-–]/u).map((digits) => Number(digits.trim()));
    if (!(last >= first)) return [first];
    const count = Math.min(last - first + 1, MOST_IN_RANGE);
    return Array.from({ length: count }, (_, index) => first + index);
  });
}

/** `[label]` on one line, brackets inside it balanced; the rest starts with `[`. */
export function findLabel(rest: string, isEnd: boolean): Found<object> {
  let depth = 0;
  const limit = Math.min(rest.length, LONGEST_LABEL_CHARACTERS);
  for (let index = 0; index < limit; index += 1) {
    const character = rest[index];
    if (character === '\n') return null;
    if (character === '\\') index += 1;
    else if (character === '[') depth += 1;
    else if (character === ']') {
      depth -= 1;
      if (depth === 0) return { length: index + 1 };
    }
  }
  return isEnd || rest.length >= LONGEST_LABEL_CHARACTERS ? null : 'more';
}

const DESTINATION =
  /^\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\<]|\\[\s\S]|\((?:[^\s()\\]|\\[\s\S])*\))*))(?:\s+(?:"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|\((?:[^()\\]|\\[\s\S])*\)))?\s*\)/u;

/** `(destination "title")` behind a label; the rest starts with `(`. */
export function findDestination(rest: string, isEnd: boolean): Found<{ destination: string }> {
  const [window = ''] = rest.slice(0, LONGEST_DESTINATION_CHARACTERS).split(/(?<=\n)[ \t]*\n/u, 1);
  const match = DESTINATION.exec(window);
  if (match !== null) return { length: match[0].length, destination: match[1] ?? match[2] ?? '' };
  const isCut = window.length < Math.min(rest.length, LONGEST_DESTINATION_CHARACTERS);
  const cannotBe = isCut || /^\([^()"'<\n]*[^\s()"'<][ \t]+[^\s"'()]/u.test(window);
  return isEnd || cannotBe || rest.length >= LONGEST_DESTINATION_CHARACTERS ? null : 'more';
}

const TAG = /^<(?:[a-z/?!])[^<>]*>/iu;
/** A line or another tag that begins: what came before is taken for text. */
const NO_TAG = /^<[^>]*(?:<|\n\s*\n)/u;
const AUTOLINK = /^<([a-z][a-z\d+.-]{1,31}:[^\s<>]*|[^\s<>@/]+@[^\s<>@]+)>/iu;

/** `<…>` that a client may read as a tag, a comment or a link. */
export function findTag(rest: string, isEnd: boolean): Found<{ autolink: string | null }> {
  const window = rest.slice(0, LONGEST_TAG_CHARACTERS);
  const autolink = AUTOLINK.exec(window);
  if (autolink !== null) return { length: autolink[0].length, autolink: autolink[1] ?? '' };
  const tag = TAG.exec(window);
  if (tag !== null) return { length: tag[0].length, autolink: null };
  const mayBeTag = /^<(?:$|[a-z/?!])/iu.test(window) && !NO_TAG.test(window);
  return isEnd || !mayBeTag || rest.length >= LONGEST_TAG_CHARACTERS ? null : 'more';
}

/** Tags that only change how words look; they stay without attributes. */
const FORMATTING_TAG =
  /^<\/?(?:b|i|em|strong|u|s|br|sub|sup|kbd|code|mark|small|del|ins|q|abbr|wbr)(?![\p{L}\d-])/iu;
const PLAIN_TAG = new RegExp(String.raw`${FORMATTING_TAG.source}\s*\/?>$`, 'iu');
/** Names that HTML knows: whatever they would do, an answer does without them. */
const KNOWN_TAG =
  /^<\/?(?:a|address|area|article|aside|audio|base|bdi|bdo|blockquote|body|button|canvas|caption|center|cite|col|colgroup|data|datalist|dd|details|dialog|dir|div|dl|dt|embed|fieldset|figcaption|figure|font|footer|form|frame|frameset|h[1-6]|head|header|hgroup|hr|html|iframe|image|img|input|label|legend|li|link|main|map|marquee|math|menu|meta|meter|nav|noscript|object|ol|optgroup|option|output|p|param|picture|portal|pre|progress|script|search|section|select|slot|source|span|style|summary|svg|table|tbody|td|template|textarea|tfoot|th|thead|time|title|tr|track|ul|var|video|xmp)(?![\p{L}\d-])/iu;
const ALTERNATIVE_TEXT = /^<im(?:g|age)\b[^>]*?\balt\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))/iu;

/** `List<String>`, `<name>`: words between brackets. */
const WORDS_ONLY = /^<\/?[\p{L}\p{M}\p{N} ,.?_-]{1,100}>$/u;

/** What stays of a tag: all, the text in its place, or (null) everything, but as text that is no tag. */
export function tagRemains(tag: string): { keeps: boolean; text: string } | null {
  if (PLAIN_TAG.test(tag)) return { keeps: true, text: '' };
  const alternative = ALTERNATIVE_TEXT.exec(tag);
  if (alternative !== null) {
    return { keeps: false, text: alternative[1] ?? alternative[2] ?? alternative[3] ?? '' };
  }
  if (FORMATTING_TAG.test(tag) || KNOWN_TAG.test(tag) || /^<[!?]/u.test(tag))
    return { keeps: false, text: '' };
  return WORDS_ONLY.test(tag) ? { keeps: true, text: '' } : null;
}

const URL_START = /^(?:(?:https?|ftp)\\?:(?:\\?\/){2}|(?:\\?\/){2}(?=[\p{L}\p{N}])|www\\?\.)/iu;
const MAYBE_URL = /^(?:ht{0,2}|ft?|(?:https?|ftp)\\?(?::\\?(?:\/\\?){0,2})?|w{1,3}\\?|\\?\/\\?\/?)$/iu;
/** Characters that end a link in running text, and in code. */
const URL_END = /[\s<|[\u2018-\u201f\u2026\u3000-\u303f\uff00-\uffef]/u;
const URL_END_IN_CODE = /[\s<>"'`)\]}|\\]/u;
const URL_END_MARKS = /(?:[?!.,:;*_~'">\]}]|&\w+;)+$/u;
const LONGEST_URL_CHARACTERS = 1_000;

/**
 * A link without marks around it, as clients find them by themselves: `https://…`, `//…`, `www.…`. `isOpen`: a client
 * may take what follows for a part of it. `url` is empty where it is too long for any.
 */
export function findUrl(
  rest: string,
  isEnd: boolean,
  isCode: boolean,
): Found<{ url: string; isOpen: boolean }> {
  if (isCode && /^\\?\//u.test(rest)) return null;
  const start = URL_START.exec(rest);
  if (start === null) return !isEnd && MAYBE_URL.test(rest) ? 'more' : null;
  const window = rest.slice(0, LONGEST_URL_CHARACTERS);
  const found = window.slice(start[0].length).search(isCode ? URL_END_IN_CODE : URL_END);
  if (found === -1 && rest.length >= LONGEST_URL_CHARACTERS) {
    return { length: LONGEST_URL_CHARACTERS, url: '', isOpen: false };
  }
  if (found === -1 && !isEnd) return 'more';
  const end = found === -1 ? window.length : start[0].length + found;
  const url = trimUrl(window.slice(0, end));
  return { length: url.length, url, isOpen: found !== -1 && /[^\s<]/u.test(window.charAt(end)) };
}

function trimUrl(whole: string): string {
  let url = whole;
  for (;;) {
    const shorter = url.replace(URL_END_MARKS, '');
    const opened = shorter.split('(').length;
    const isUnbalanced = shorter.endsWith(')') && shorter.split(')').length > opened;
    const next = isUnbalanced ? shorter.slice(0, -1) : shorter;
    if (next === url || next === '') return url;
    url = next;
  }
}

const CODE_SPAN = /^(`+)(?!`)[^\n|]*?[^`\n|]\1(?!`)/u;

/** A code span on one line; the rest starts with a backtick. A longer one may be none for every client. */
export function findCodeSpan(rest: string, isEnd: boolean): Found<object> {
  const window = rest.slice(0, LONGEST_CODE_CHARACTERS);
  const match = CODE_SPAN.exec(window);
  const isWaiting = !isEnd && rest.length < LONGEST_CODE_CHARACTERS && !/[\n|]/u.test(window);
  if (match === null) return isWaiting ? 'more' : null;
  return match[0].length === rest.length && isWaiting ? 'more' : { length: match[0].length };
}

const ENTITY = /^&(?:#(\d{1,7})|#x([\da-f]{1,6})|(colon|sol|period|commat));/iu;
const MAYBE_ENTITY = /^&(?:#x?[\da-f]*|[a-z]*)$/iu;

/** A character reference that hides a letter or mark of a link. */
export function findHiddenCharacter(rest: string, isEnd: boolean): Found<object> {
  const match = ENTITY.exec(rest);
  if (match === null) {
    return !isEnd && rest.length < LONGEST_ENTITY_CHARACTERS && MAYBE_ENTITY.test(rest) ? 'more' : null;
  }
  const [, decimal, hexadecimal] = match;
  const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hexadecimal ?? '2f', 16);
  return code <= 0x7f && /[\w:/.@]/u.test(String.fromCodePoint(code)) ? { length: match[0].length } : null;
}

const MAIL_HOST = /^@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*\.\p{L}{2,}/u;
const MAYBE_MAIL_HOST = /^@[\p{L}\p{N}.-]*$/u;
const LONGEST_HOST_CHARACTERS = 100;

/** `@host` of an e-mail address. */
export function findMailHost(rest: string, isEnd: boolean): Found<object> {
  if (!isEnd && rest.length < LONGEST_HOST_CHARACTERS && MAYBE_MAIL_HOST.test(rest)) return 'more';
  const match = MAIL_HOST.exec(rest.slice(0, LONGEST_HOST_CHARACTERS));
  return match === null ? null : { length: match[0].length };
}
