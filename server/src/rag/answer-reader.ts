import { JOINER, createAnswerCursor } from './answer-cursor.js';
import {
  readBracket,
  readEntity,
  readMailHost,
  readParenthesis,
  readTag,
  readUrl,
  withoutRefused,
} from './answer-links.js';
import { findCodeSpan, findMarker } from './answer-syntax.js';
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

const LONGEST_SPACE_CHARACTERS = 32;
const LONGEST_FENCE_CHARACTERS = 200;

/** Text that no handler needs to look at. */
const PLAIN = /^[^\s\\`~<!&@:/[\]【(\p{L}\p{N}]+/u;
/** Of one kind of letters: an address may follow Chinese without a space. */
const WORD = /^(?:[a-z\d]+|(?:(?![a-z\d])[\p{L}\p{N}\p{M}])+)/iu;
const LABEL_AT_LINE_START = /(?:^|\n)[\s>*+\-\d.)]*\[[^\n]*\]$/u;

/**
 * Reads an answer as it streams, and passes on what may be shown. Markers (`findMarker`) are handed to `onMarker`.
 * With `links`, a link that it refuses keeps its text, an image its alternative text, and an address that stands
 * alone becomes `…`; HTML keeps only tags that format; definitions of links mean nothing. Code is shown as it
 * stands, but for addresses that are refused; it is code in fences at the start of a line and in spans on one line.
 * Held back is only what may still become one of these, so that the result does not depend on the cuts of the stream.
 */
export function createAnswerReader(handlers: AnswerHandlers, links: LinkPolicy | null): AnswerReader {
  const cursor = createAnswerCursor(handlers.onText);
  const { take, show, showOne } = cursor;
  let fence: string | null = null;

  /** Each reads something from `rest`; false: it must see more first; null: it is something else. */
  const readAddress = (isCode: boolean): boolean | null => {
    if (links === null || !cursor.isWordStart() || !/^[hfw]/iu.test(cursor.rest)) return null;
    return readUrl(cursor, links, isCode);
  };

  const readFenced = (): boolean => {
    const { rest, isEnd } = cursor;
    if (cursor.isLineStart()) {
      const line = /^ {0,3}(`*|~*)[ \t]*(?:\n|$)/u.exec(rest);
      if (line !== null && !isEnd && !line[0].endsWith('\n')) return false;
      if (line !== null && fence !== null && (line[1] ?? '').startsWith(fence)) {
        show(take(line[0].length), true);
        fence = null;
        return true;
      }
    }
    const isRead = readAddress(true);
    if (isRead !== null) return isRead;
    const next = WORD.exec(rest) ?? /^[^\p{L}\p{N}\n]+/u.exec(rest) ?? /^[\s\S]/u.exec(rest);
    show(take(next![0].length), true);
    return true;
  };

  const readFence = (): boolean | null => {
    if (!cursor.isLineStart() || cursor.hasHtml) return null;
    const window = cursor.rest.slice(0, LONGEST_FENCE_CHARACTERS);
    const mark = /^(?:`{3,}(?=[^`\n]*(?:\n|$))|~{3,})/u.exec(window)?.[0];
    const isOpenLine = !window.includes('\n') && window.length < LONGEST_FENCE_CHARACTERS && !cursor.isEnd;
    if (mark === undefined) return isOpenLine && /^(?:`{1,2}|~{1,2})$/u.test(window) ? false : null;
    if (isOpenLine) return false;
    if (!window.includes('\n')) {
      // A line that long is prose: no client shall take it, and what follows, for code.
      if (window.length === LONGEST_FENCE_CHARACTERS) show(JOINER);
      return null;
    }
    show(take(mark.length), true);
    fence = mark;
    return true;
  };

  const readMarker = (spaces: number): boolean | null => {
    const found = findMarker(cursor.rest.slice(spaces), cursor.isEnd);
    if (found === 'more') return false;
    if (found === null) return null;
    // What follows says whether the place of a marker closes up.
    if (!cursor.isEnd && cursor.rest.length === spaces + found.length) return false;
    const before = take(spaces);
    take(found.length);
    const startsLine = cursor.isLineStart();
    const marker = handlers.onMarker(found.numbers, before);
    cursor.isAfterMarker = true;
    if (marker !== '') cursor.append(marker);
    else if (startsLine) cursor.skipsSpaces = true;
    else cursor.leaveOut();
    return true;
  };

  const readSpaces = (): boolean => {
    const { rest } = cursor;
    const spaces = /^ {1,32}/u.exec(rest)?.[0].length ?? 0;
    if (cursor.skipsSpaces) {
      take(spaces);
      return true;
    }
    if (spaces === rest.length && spaces < LONGEST_SPACE_CHARACTERS && !cursor.isEnd) return false;
    if (/^[[【]/u.test(rest.slice(spaces))) {
      const isRead = readMarker(spaces);
      if (isRead !== null) return isRead;
    }
    return showOne(spaces);
  };

  const readTicks = (): boolean => {
    const { rest, isEnd } = cursor;
    // The length of an opening run must be known.
    if (/^`+$/u.test(rest) && !isEnd) return false;
    const found = findCodeSpan(rest, isEnd);
    if (found === 'more') return false;
    if (found === null) return showOne(/^`+/u.exec(rest)![0].length);
    const code = take(found.length);
    show(links === null ? code : withoutRefused(code, links), true);
    return true;
  };

  const readExclamation = (): boolean => {
    const { rest, isEnd } = cursor;
    if (rest.length === 1 && !isEnd) return false;
    if (rest[1] !== '[' || links === null) return showOne(1);
    const marker = findMarker(rest.slice(1), isEnd);
    if (marker === 'more') return false;
    return marker === null ? readBracket(cursor, links, true) : showOne(1);
  };

  const readEscape = (): boolean => {
    const { rest } = cursor;
    if (rest.length === 1 && !cursor.isEnd) return false;
    if (rest[1] === '/' && links !== null) {
      const isRead = readUrl(cursor, links, false);
      if (isRead !== null) return isRead;
    }
    return showOne(/^\\[!-.:-@\\\]-`{-~]/u.test(rest) && !/^\\[@:&]/u.test(rest) ? 2 : 1);
  };

  const readWord = (): boolean =>
    readAddress(false) ?? showOne((WORD.exec(cursor.rest) ?? PLAIN.exec(cursor.rest))?.[0].length ?? 1);

  /** What only matters where links are looked at. */
  const readLink = (character: string, policy: LinkPolicy): boolean => {
    switch (character) {
      case '[':
        return readBracket(cursor, policy, false);
      case '(':
        return readParenthesis(cursor, policy);
      case ':':
        if (LABEL_AT_LINE_START.test(cursor.tail)) show(JOINER);
        return showOne(1);
      case '<':
        return readTag(cursor, policy);
      case '@':
        return readMailHost(cursor, policy);
      case '&':
        return readEntity(cursor);
      case '/':
        return readUrl(cursor, policy, false) ?? showOne(1);
      default:
        return readWord();
    }
  };

  const readText = (): boolean => {
    const character = cursor.rest[0]!;
    switch (character) {
      case ' ':
        return readSpaces();
      case '`':
        return readFence() ?? readTicks();
      case '~':
        return readFence() ?? showOne(1);
      case '!':
        return readExclamation();
      case '\\':
        return readEscape();
      case '[':
      case '【': {
        const isRead = readMarker(0);
        if (isRead !== null) return isRead;
      }
    }
    return links === null ? readWord() : readLink(character, links);
  };

  const run = (): string => {
    let isReading = true;
    while (isReading) {
      cursor.keepApart();
      isReading = cursor.rest !== '' && (fence === null ? readText() : readFenced());
    }
    return cursor.flush();
  };

  let carriageReturn = '';
  return {
    push: (delta) => {
      const text = carriageReturn + delta.replaceAll('\0', '');
      carriageReturn = text.endsWith('\r') ? '\r' : '';
      cursor.rest += (carriageReturn === '' ? text : text.slice(0, -1)).replaceAll(/\r\n?/gu, '\n');
      return run();
    },
    end: () => {
      cursor.isEnd = true;
      if (carriageReturn !== '') cursor.rest += '\n';
      return run();
    },
  };
}
