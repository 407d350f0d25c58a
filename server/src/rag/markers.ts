export interface MarkerHandlers {
  /** Text that is passed on, markers left out, in the order of the answer; cut at any place. */
  onText: (text: string) => void;
  /** The numbers of a marker; returns what stands in its place, `''` to remove it with the space before it. */
  onMarker: (numbers: number[]) => string;
  /** Text follows a marker, or several in a row. */
  onMarkersEnd: () => void;
}

export interface MarkerReader {
  push: (delta: string) => string;
  end: () => string;
}

/** Longer than this between brackets is no marker. */
const LONGEST_MARKER_CHARACTERS = 32;
const LONGEST_SPACE_CHARACTERS = 32;
const MARKER_CHARACTERS = /^[\d,;，、^\s]$/u;
const MARKER = /^\s*\^?\d{1,4}(?:\s*[,;，、]\s*\^?\d{1,4})*\s*$/u;

/**
 * Finds markers `[1]`, `[1, 2]`, `[^1]`, `【1】` in a stream, character by character, so that the cuts of the stream
 * do not matter. Brackets in code and links `[1](…)` are text. Held back: spaces, and from `[` as long as what
 * follows may be a marker, with the one character after it.
 */
export function createMarkerReader(handlers: MarkerHandlers): MarkerReader {
  /** Spaces that vanish if a marker follows that is removed. */
  let spaces = '';
  let bracket = '';
  let isClosed = false;
  let isAfterMarker = false;
  let isLineStart = true;
  let skipsSpaces = false;
  /** Length of the run of backticks that opened code, 0 outside of code; and of the run being read. */
  let codeTicks = 0;
  let ticks = 0;

  const emit = (text: string): string => {
    if (text === '') return '';
    if (isAfterMarker) {
      isAfterMarker = false;
      handlers.onMarkersEnd();
    }
    handlers.onText(text);
    isLineStart = text.endsWith('\n');
    return text;
  };
  const release = (): string => {
    const text = spaces + bracket;
    spaces = '';
    bracket = '';
    isClosed = false;
    return emit(text);
  };
  const resolve = (): string => {
    const numbers = (bracket.match(/\d+/gu) ?? []).map(Number);
    const marker = handlers.onMarker(numbers);
    const before = spaces;
    spaces = '';
    bracket = '';
    isClosed = false;
    isAfterMarker = true;
    if (marker === '') {
      skipsSpaces = isLineStart;
      return '';
    }
    isLineStart = false;
    return before + marker;
  };

  const countTicks = (character: string): void => {
    if (character === '`') {
      ticks += 1;
      return;
    }
    if (ticks === 0) return;
    if (codeTicks === 0) codeTicks = ticks;
    else if (ticks === codeTicks) codeTicks = 0;
    ticks = 0;
  };

  const readOpen = (character: string): string => {
    bracket += character;
    if (character === ']' || character === '】') {
      if (!MARKER.test(bracket.slice(1, -1))) return release();
      isClosed = true;
      return '';
    }
    if (character === '[' || character === '【') {
      bracket = bracket.slice(0, -1);
      const text = release();
      bracket = character;
      return text;
    }
    const mayBeMarker = MARKER_CHARACTERS.test(character) && character !== '\n';
    return mayBeMarker && bracket.length <= LONGEST_MARKER_CHARACTERS ? '' : release();
  };

  const read = (character: string): string => {
    let out = '';
    if (isClosed) out = character === '(' ? release() : resolve();
    if (bracket !== '') {
      // A backtick is never part of a marker, so `readOpen` releases it.
      out += readOpen(character);
      countTicks(character);
      return out;
    }
    countTicks(character);
    const isCode = codeTicks > 0 || ticks > 0;
    if (!isCode && (character === '[' || character === '【')) {
      bracket = character;
      return out;
    }
    if (character === ' ' && skipsSpaces) return out;
    skipsSpaces = false;
    if (character === ' ' && spaces.length < LONGEST_SPACE_CHARACTERS) {
      spaces += character;
      return out;
    }
    const text = spaces + character;
    spaces = '';
    return out + emit(text);
  };

  return {
    push: (delta) => {
      let out = '';
      for (let index = 0; index < delta.length; index += 1) out += read(delta.charAt(index));
      return out;
    },
    end: () => (isClosed ? resolve() : release()),
  };
}
