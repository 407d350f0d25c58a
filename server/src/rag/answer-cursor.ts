/** Seen by nobody, and keeps what stands beside it from becoming syntax together. */
export const JOINER = '\u2060';

const REMEMBERED_CHARACTERS = 400;
/** With what follows, the end of what was shown could become a link or a tag that was never looked at. */
const COULD_JOIN = /(?:[<!&\\/:@[]|(?:^|[^\p{L}\p{N}])w{1,3}|www\\?\.[^\s]*|@[\w.-]*)$/iu;
/** An address that follows a letter is none, unless something between them was left out. */
const COULD_HIDE = /[a-z\d]$/iu;

/** Where the reading of an answer stands: what was shown, and what was not looked at yet. */
export interface AnswerCursor {
  rest: string;
  /** Nothing follows `rest`. */
  isEnd: boolean;
  /** The end of what was shown, markers included. */
  tail: string;
  /** Nothing was shown since a marker. */
  isAfterMarker: boolean;
  /** The spaces that follow a marker that was removed from the start of a line go with it. */
  skipsSpaces: boolean;
  /** HTML was shown since the last blank line, so that a fence may be part of it. */
  hasHtml: boolean;
  take: (length: number) => string;
  show: (text: string, isCode?: boolean) => void;
  /** Shows the next characters as they are; true, as readers say that they have read. */
  showOne: (length: number) => boolean;
  /** Counts something as shown that `onText` is not told of. */
  append: (text: string) => void;
  /** Something was left out here: text on both sides must not make up something new. */
  leaveOut: () => void;
  /** To be called before more of `rest` is read. */
  keepApart: () => void;
  isLineStart: () => boolean;
  isWordStart: () => boolean;
  /** What was shown since the last call. */
  flush: () => string;
}

export function createAnswerCursor(onText: (text: string, isCode: boolean) => void): AnswerCursor {
  let out = '';
  let isGap = false;
  const cursor: AnswerCursor = {
    rest: '',
    isEnd: false,
    tail: '',
    isAfterMarker: false,
    skipsSpaces: false,
    hasHtml: false,
    take: (length) => {
      const text = cursor.rest.slice(0, length);
      cursor.rest = cursor.rest.slice(length);
      return text;
    },
    show: (text, isCode = false) => {
      if (text === '') return;
      cursor.isAfterMarker = false;
      cursor.skipsSpaces = false;
      onText(text, isCode);
      cursor.append(text);
    },
    showOne: (length) => {
      cursor.show(cursor.take(length));
      return true;
    },
    append: (text) => {
      out += text;
      cursor.tail = (cursor.tail + text).slice(-REMEMBERED_CHARACTERS);
      if (/\n[ \t]*\n$/u.test(cursor.tail)) cursor.hasHtml = false;
    },
    leaveOut: () => {
      isGap = true;
    },
    keepApart: () => {
      const { rest, tail } = cursor;
      if (!isGap || rest === '') return;
      isGap = false;
      if (/^\S/u.test(rest) && (COULD_JOIN.test(tail) || (COULD_HIDE.test(tail) && /^[hfw]/iu.test(rest)))) {
        cursor.show(JOINER);
      }
    },
    isLineStart: () => cursor.tail === '' || cursor.tail.endsWith('\n'),
    isWordStart: () => !/[a-z\d]$/iu.test(cursor.tail),
    flush: () => {
      const shown = out;
      out = '';
      return shown;
    },
  };
  return cursor;
}
