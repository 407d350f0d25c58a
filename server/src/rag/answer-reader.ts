import {
  type Found,
  findCodeSpan,
  findDestination,
  findHiddenCharacter,
  findLabel,
  findMailHost,
  findMarker,
  findTag,
  findUrl,
  tagRemains,
} from './answer-syntax.js';
import type { LinkPolicy } from './link-policy.js';

export interface AnswerHandlers {
  /** What is shown, markers left out, in the order of the answer; cut at any place. */
  onText: (text: string, isCode: boolean) => void;
  /** The numbers of a marker and the space before it; returns what stands in their place, `''` to remove both. */
  onMarker: (numbers: number[], before: string) => string;
}

export interface AnswerReader {
  push: (delta: string) => string;
  end: () => string;
}

/** Stands where a link was. */
const OMISSION = '…';
/** Seen by nobody, and keeps what stands beside it from becoming syntax together. */
const JOINER = '\u2060';
const LONGEST_SPACE_CHARACTERS = 32;
const LONGEST_FENCE_CHARACTERS = 200;
const REMEMBERED_CHARACTERS = 400;

/** Text that no handler needs to look at. */
const PLAIN = /^[^\s\\`~<!&@:/[\]【(\p{L}\p{N}]+/u;
/** Of one kind of letters: an address may follow Chinese without a space. */
const WORD = /^(?:[a-z\d]+|(?:(?![a-z\d])[\p{L}\p{N}\p{M}])+)/iu;
/** With what follows, the end of what was shown could become a link or a tag that was never looked at. */
const COULD_JOIN = /(?:[<!&\\/:@[]|(?:^|[^\p{L}\p{N}])w{1,3}|www\\?\.[^\s]*|@[\w.-]*)$/iu;
const CITED = /\[\d+\]$/u;
const LABEL_AT_LINE_START = /(?:^|\n)[\s>*+\-\d.)]*\[[^\n]*\]$/u;

/**
 * Reads an answer as it streams, and passes on what may be shown. Markers (`findMarker`) are handed to `onMarker`.
 * With `links`, a link that it refuses keeps its text, an image its alternative text, and an address that stands
 * alone becomes `…`; HTML keeps only tags that format; definitions of links mean nothing. Code is shown as it
 * stands, but for addresses that are refused; it is code in fences at the start of a line and in spans on one line.
 * Held back is only what may still become one of these, so that the result does not depend on the cuts of the stream.
 */
export function createAnswerReader(handlers: AnswerHandlers, links: LinkPolicy | null): AnswerReader {
  let rest = '';
  let isEnd = false;
  /** The end of what was shown, markers included. */
  let tail = '';
  let out = '';
  let isAfterMarker = false;
  let skipsSpaces = false;
  let fence: string | null = null;
  /** Since the last blank line, so that a fence may be part of it. */
  let hasHtml = false;

  const show = (text: string, isCode = false): void => {
    if (text === '') return;
    isAfterMarker = false;
    skipsSpaces = false;
    handlers.onText(text, isCode);
    append(text);
  };
  const append = (text: string): void => {
    out += text;
    tail = (tail + text).slice(-REMEMBERED_CHARACTERS);
    if (/\n[ \t]*\n$/u.test(tail)) hasHtml = false;
  };
  const take = (length: number): string => {
    const text = rest.slice(0, length);
    rest = rest.slice(length);
    return text;
  };
  /** After something was left out: text on both sides must not make up something new. */
  const keepApart = (): void => {
    if (/^\S/u.test(rest) && COULD_JOIN.test(tail)) show(JOINER);
  };
  const isLineStart = (): boolean => tail === '' || tail.endsWith('\n');
  const isWordStart = (): boolean => !/[a-z\d]$/iu.test(tail);

  /** Each reads something from `rest`; false: it must see more first. */
  const readUrl = (isCode: boolean): boolean | null => {
    if (links === null) return null;
    const found = findUrl(rest, isEnd, isCode);
    if (found === 'more') return false;
    if (found === null) return null;
    const isAllowed = links.allowsLink(found.url);
    take(found.length);
    if (!isAllowed) show(OMISSION, isCode);
    // A client may read on where we stop: the brackets say where the address ends.
    else if (!isCode && found.isOpen) show(`<${/^www/iu.test(found.url) ? 'https://' : ''}${found.url}>`);
    else show(found.url, isCode);
    return true;
  };

  const readFenced = (): boolean => {
    if (isLineStart()) {
      const line = /^ {0,3}(`*|~*)[ \t]*(?:\n|$)/u.exec(rest);
      if (line !== null && !isEnd && !line[0].endsWith('\n')) return false;
      if (line !== null && fence !== null && (line[1] ?? '').startsWith(fence)) {
        show(take(line[0].length), true);
        fence = null;
        return true;
      }
    }
    if (isWordStart() && /^[hfw]/iu.test(rest)) {
      const isRead = readUrl(true);
      if (isRead !== null) return isRead;
    }
    show(
      take((WORD.exec(rest) ?? /^[^\p{L}\p{N}\n]+/u.exec(rest) ?? /^[\s\S]/u.exec(rest))![0].length),
      true,
    );
    return true;
  };

  const readFence = (): boolean | null => {
    if (!isLineStart() || hasHtml) return null;
    const window = rest.slice(0, LONGEST_FENCE_CHARACTERS);
    const mark = /^(?:`{3,}(?=[^`\n]*(?:\n|$))|~{3,})/u.exec(window)?.[0];
    const isOpenLine = !window.includes('\n') && window.length < LONGEST_FENCE_CHARACTERS && !isEnd;
    if (mark === undefined) return isOpenLine && /^(?:`{1,2}|~{1,2})$/u.test(window) ? false : null;
    if (isOpenLine) return false;
    if (!window.includes('\n') && !isEnd) return null;
    show(take(mark.length), true);
    fence = mark;
    return true;
  };

  const readMarker = (spaces: number): boolean | null => {
    const found = findMarker(rest.slice(spaces), isEnd);
    if (found === 'more') return false;
    if (found === null) return null;
    // What follows says whether the place of a marker closes up.
    if (!isEnd && rest.length === spaces + found.length) return false;
    const before = take(spaces);
    take(found.length);
    const startsLine = isLineStart();
    const marker = handlers.onMarker(found.numbers, before);
    isAfterMarker = true;
    if (marker !== '') append(marker);
    else if (startsLine) skipsSpaces = true;
    else keepApart();
    return true;
  };

  const readBracket = (isImage: boolean): boolean => {
    const offset = isImage ? 1 : 0;
    const label = findLabel(rest.slice(offset), isEnd);
    if (links === null || label === null) return showOne(offset + 1);
    if (label === 'more') return false;
    const end = offset + label.length;
    if (rest.length === end && !isEnd) return false;
    const destination = rest[end] === '(' ? findDestination(rest.slice(end), isEnd) : null;
    if (destination === 'more') return false;
    // A link in place of a label, after a mark that was shown: together they would be an image.
    if (destination === null) return showOne(offset + 1);
    const allows = isImage ? links.allowsImage : links.allowsLink;
    if (allows(destination.destination)) {
      if (!isImage && tail.endsWith('!')) show(JOINER);
      return showOne(offset + 1);
    }
    rest = rest.slice(offset + 1, end - 1) + rest.slice(end + destination.length);
    keepApart();
    return true;
  };

  /** What follows a bracket that was closed may make it a link, whatever stood between them. */
  const readParenthesis = (): boolean => {
    if (links === null || !tail.endsWith(']')) return showOne(1);
    const found = findDestination(rest, isEnd);
    if (found === 'more') return false;
    if (found === null) {
      show(JOINER);
      return showOne(1);
    }
    const allows = isImageLabel(tail) ? links.allowsImage : links.allowsLink;
    const isCitation = isAfterMarker && CITED.test(tail);
    const text = take(found.length);
    if (!isCitation && allows(found.destination)) show(text);
    else keepApart();
    return true;
  };

  const readTag = (): boolean => {
    if (links === null) return showOne(1);
    const found = findTag(rest, isEnd);
    if (found === 'more') return false;
    if (found === null) {
      const isText = !/^<[a-z/?!]/iu.test(rest);
      showOne(1);
      if (!isText) show(JOINER);
      return true;
    }
    const tag = take(found.length);
    if (found.autolink !== null) {
      const isAddress = !found.autolink.includes(':');
      const isAllowed = isAddress ? links.allowsAddress(found.autolink) : links.allowsLink(found.autolink);
      show(isAllowed ? tag : OMISSION);
      return true;
    }
    const { keeps, text } = tagRemains(tag);
    if (keeps) {
      hasHtml = true;
      show(tag);
    } else {
      rest = text + rest;
      keepApart();
    }
    return true;
  };

  const readMailHost = (): boolean => {
    const local = /[\w.+-]+$/u.exec(tail)?.[0];
    const found = links === null || local === undefined ? null : findMailHost(rest, isEnd);
    if (found === 'more') return false;
    if (found === null || links?.allowsAddress(local + rest.slice(0, found.length)) === true) {
      return showOne(found?.length ?? 1);
    }
    take(found.length);
    show(OMISSION);
    return true;
  };

  const readSpan = (found: Found<object>): boolean => {
    if (found === 'more') return false;
    if (found === null) return showOne(/^`+/u.exec(rest)![0].length);
    const code = rest.slice(0, found.length);
    rest = rest.slice(found.length);
    show(links === null ? code : withoutRefused(code, links), true);
    return true;
  };

  const readSpaces = (): boolean => {
    const spaces = /^ {1,32}/u.exec(rest)?.[0].length ?? 0;
    if (skipsSpaces) {
      take(spaces);
      return true;
    }
    if (spaces === rest.length && spaces < LONGEST_SPACE_CHARACTERS && !isEnd) return false;
    if (/^[[【]/u.test(rest.slice(spaces))) {
      const isRead = readMarker(spaces);
      if (isRead !== null) return isRead;
    }
    return showOne(spaces);
  };

  const showOne = (length: number): boolean => {
    show(take(length));
    return true;
  };

  const readText = (): boolean => {
    const character = rest[0]!;
    switch (character) {
      case ' ':
        return readSpaces();
      case '`':
        return readFence() ?? readTicks();
      case '~':
        return readFence() ?? showOne(1);
      case '[':
      case '【':
        return readMarker(0) ?? readBracket(false);
      case '!':
        if (rest.length === 1 && !isEnd) return false;
        return rest[1] === '[' ? readImage() : showOne(1);
      case '(':
        return readParenthesis();
      case ':':
        if (links !== null && LABEL_AT_LINE_START.test(tail)) show(JOINER);
        return showOne(1);
      case '<':
        return readTag();
      case '@':
        return readMailHost();
      case '&':
        return readEntity();
      case '/':
        return readUrl(false) ?? showOne(1);
      case '\\':
        return readEscape();
      default: {
        if (isWordStart() && /^[hfw]/iu.test(rest)) {
          const isRead = readUrl(false);
          if (isRead !== null) return isRead;
        }
        return showOne((WORD.exec(rest) ?? PLAIN.exec(rest))?.[0].length ?? 1);
      }
    }
  };

  const readTicks = (): boolean => {
    // The length of an opening run must be known.
    if (/^`+$/u.test(rest) && !isEnd) return false;
    return readSpan(findCodeSpan(rest, isEnd));
  };
  const readImage = (): boolean => {
    const marker = findMarker(rest.slice(1), isEnd);
    if (marker === 'more') return false;
    return marker === null ? readBracket(true) : showOne(1);
  };
  const readEntity = (): boolean => {
    const found = links === null ? null : findHiddenCharacter(rest, isEnd);
    if (found === 'more') return false;
    if (found === null) return showOne(1);
    take(1);
    show('&amp;');
    return true;
  };
  const readEscape = (): boolean => {
    if (rest.length === 1 && !isEnd) return false;
    if (rest[1] === '/' && links !== null) {
      const isRead = readUrl(false);
      if (isRead !== null) return isRead;
    }
    return showOne(/^\\[!-.:-@\\\]-`{-~]/u.test(rest) && !/^\\[@:&]/u.test(rest) ? 2 : 1);
  };

  const run = (): string => {
    out = '';
    let isReading = true;
    while (isReading) isReading = rest !== '' && (fence === null ? readText() : readFenced());
    return out;
  };

  let carriageReturn = '';
  return {
    push: (delta) => {
      const text = carriageReturn + delta.replaceAll('\0', '');
      carriageReturn = text.endsWith('\r') ? '\r' : '';
      rest += (carriageReturn === '' ? text : text.slice(0, -1)).replaceAll(/\r\n?/gu, '\n');
      return run();
    },
    end: () => {
      isEnd = true;
      if (carriageReturn !== '') rest += '\n';
      return run();
    },
  };
}

/** Whether the label at the end of a text is that of an image, or its beginning is too far back to tell. */
function isImageLabel(text: string): boolean {
  let depth = 0;
  for (let index = text.length - 1; index >= 0; index -= 1) {
    if (text[index] === ']') depth += 1;
    else if (text[index] === '[') depth -= 1;
    if (depth === 0) return text[index - 1] === '!';
  }
  return true;
}

function withoutRefused(code: string, links: LinkPolicy): string {
  return code.replaceAll(/(?<![a-z\d])(?:(?:https?|ftp):\/\/|www\.)[^\s<>"'`)\]}|\\]+/giu, (url) =>
    links.allowsLink(url.replace(/[.,;:!?]+$/u, '')) ? url : OMISSION,
  );
}
