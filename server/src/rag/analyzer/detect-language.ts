import { eld } from 'eld/small';

const UNDETERMINED = 'und';
/** More text than this makes no guess better. */
const SAMPLE_CHARACTERS = 4_096;
/** The share of a script among the letters from which it decides. */
const DECISIVE_SHARE = 0.3;

const LETTERS = /\p{L}/gu;
const NOT_PROSE = /```[\s\S]*?```|`[^`\n]*`|https?:\/\/\S+|<[^<>\n]{1,200}>|\S+@\S+/gu;

/** Scripts that only one language of those we know is written in; kana goes before Han. */
const SCRIPT_RULES: readonly [language: string, letters: RegExp, share: number][] = [
  ['ja', /[\p{sc=Hiragana}\p{sc=Katakana}]/gu, 0.1],
  ['ko', /\p{sc=Hangul}/gu, DECISIVE_SHARE],
  ['zh', /\p{sc=Han}/gu, DECISIVE_SHARE],
  ['th', /\p{sc=Thai}/gu, DECISIVE_SHARE],
  ['lo', /\p{sc=Lao}/gu, DECISIVE_SHARE],
  ['km', /\p{sc=Khmer}/gu, DECISIVE_SHARE],
  ['my', /\p{sc=Myanmar}/gu, DECISIVE_SHARE],
  ['el', /\p{sc=Greek}/gu, DECISIVE_SHARE],
];

/** Shorter chunks are taken to be in the language of their document; a script tells sooner than words do. */
const LEAST_LETTERS = { ofScript: 10, ofWords: 40 };
/** A chunk whose document's language is at least so likely as another one is in that of its document. */
const PRIOR_SHARE = 0.7;

/** The language of a part of a document: that of the document, unless the part is clearly in another. */
export function detectChunkLanguage(text: string, documentLanguage: string): string {
  const detected = detectLanguage(text);
  if (detected === documentLanguage || detected === UNDETERMINED) return documentLanguage;
  const isTold = SCRIPT_RULES.some(([language]) => language === detected);
  const leastLetters = isTold ? LEAST_LETTERS.ofScript : LEAST_LETTERS.ofWords;
  if ((text.match(LETTERS)?.length ?? 0) < leastLetters) return documentLanguage;
  if (documentLanguage === UNDETERMINED || isTold) return detected;
  const guess = eld.detect(sampleOf(text));
  const scores = guess.getScores();
  const isUnlikely = (scores[documentLanguage] ?? 0) < PRIOR_SHARE * (scores[detected] ?? 0);
  return isUnlikely && guess.isReliable() ? detected : documentLanguage;
}

/** The language of a text as an ISO 639-1 code, or `und`. Short texts are guesses: offer them other languages too. */
export function detectLanguage(text: string): string {
  const sample = sampleOf(text);
  const letterCount = sample.match(LETTERS)?.length ?? 0;
  if (letterCount === 0) return UNDETERMINED;
  for (const [language, letters, share] of SCRIPT_RULES) {
    if ((sample.match(letters)?.length ?? 0) >= letterCount * share) return language;
  }
  const detected = eld.detect(sample);
  // Hindi and Marathi share script and words; a short text that could be either is likelier Hindi.
  if (detected.language === 'mr' && !detected.isReliable()) return 'hi';
  return detected.language || UNDETERMINED;
}

function sampleOf(text: string): string {
  return text.slice(0, SAMPLE_CHARACTERS).replaceAll(NOT_PROSE, ' ').normalize('NFKC');
}
