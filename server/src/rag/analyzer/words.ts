/** Soft hyphens, zero-width characters and direction marks: they stand inside words and are not seen. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;
const APOSTROPHES = /[’ʼ‘＇]/gu;

const WORD = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:'\p{L}+)?/gu;
/** What may join two words into one identifier: `snake_case`, `a.b`. */
const JOINT = /^[._]$/u;
const HUMP = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;

/** Longer runs are no identifiers and are not looked into. */
const IDENTIFIER_CHARACTERS = 64;

/** `word`: plain; `identifier`: a whole of several words, indexed as it stands. */
export interface Word {
  kind: 'word' | 'identifier';
  text: string;
}

/**
 * The words of a text in its own case, code identifiers whole and in parts: `user.getName` gives `user.getName`,
 * `user`, `getName`, `get`, `Name`.
 */
export function splitWords(text: string): Word[] {
  const clean = text.normalize('NFKC').replaceAll(INVISIBLE, '').replaceAll(APOSTROPHES, "'");
  const words: Word[] = [];
  let joinedStart = 0;
  let joinedFrom = 0;
  let previousEnd = -1;

  const closeIdentifier = (): void => {
    if (words.length - joinedFrom < 2 || previousEnd - joinedStart > IDENTIFIER_CHARACTERS) return;
    const parts = words.splice(joinedFrom);
    words.push({ kind: 'identifier', text: clean.slice(joinedStart, previousEnd) }, ...parts);
  };

  for (const match of clean.matchAll(WORD)) {
    const isJoined = match.index === previousEnd + 1 && JOINT.test(clean.charAt(previousEnd));
    if (!isJoined) {
      closeIdentifier();
      joinedStart = match.index;
      joinedFrom = words.length;
    }
    words.push({ kind: 'word', text: match[0] });
    previousEnd = match.index + match[0].length;
  }
  closeIdentifier();
  return words.flatMap((word) => (word.kind === 'word' ? splitHumps(word) : [word]));
}

function splitHumps(word: Word): Word[] {
  if (word.text.length > IDENTIFIER_CHARACTERS || !/\p{Lu}/u.test(word.text.slice(1))) return [word];
  const parts = word.text.split(HUMP).filter((part) => part.length > 1);
  if (parts.length < 2) return [word];
  return [word, ...parts.map((text) => ({ kind: 'word' as const, text }))];
}
