/** Letters that no decomposition takes apart. */
const LETTERS: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ı: 'i',
  ς: 'σ',
};
const SPECIAL_LETTERS = /[ßæœøđðþłıς]/gu;
/** Accents after Latin and Greek letters only: marks of Devanagari, Thai and others are letters of the word. */
const ACCENTS = /(?<=[\p{sc=Latin}\p{sc=Greek}]\p{M}*)\p{M}/gu;
const CYRILLIC_STRESS = /(?<=\p{sc=Cyrillic})[\u0300\u0301]/gu;
const HEBREW_POINTS = /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]/gu;
/** Harakat, the dagger alif, Quranic marks, and the tatweel that only stretches a word. */
const ARABIC_MARKS = /[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]|\u0640/gu;
const NOT_ASCII = /[^\0-\u007f]/u;

/** First digits of the decimal digit blocks that are written in everyday text. */
const DIGITS = /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59]/gu;

/** Removes what a stemmer must not see: vowel points, the tatweel, stress marks; makes digits ASCII. */
export function prepareWord(word: string, language: string): string {
  if (!NOT_ASCII.test(word)) return word;
  const prepared = word
    .replaceAll(DIGITS, asciiDigit)
    .replaceAll(ARABIC_MARKS, '')
    .replaceAll(HEBREW_POINTS, '')
    .replaceAll('ё', 'е');
  // Romanian is typed with comma and with cedilla; lists and stemmer know the cedilla.
  return language === 'ro' ? prepared.replaceAll('ș', 'ş').replaceAll('ț', 'ţ') : prepared;
}

/**
 * The form in which a term is indexed: without accents in Latin and Greek script, Arabic letters of one sound as
 * one. Vietnamese keeps its marks, they are the word.
 */
export function foldWord(word: string, language: string): string {
  if (!NOT_ASCII.test(word) || language === 'vi') return word;
  return word
    .normalize('NFD')
    .replaceAll(ACCENTS, '')
    .replaceAll(CYRILLIC_STRESS, '')
    .normalize('NFC')
    .replaceAll(SPECIAL_LETTERS, (letter) => LETTERS[letter] ?? letter)
    .replaceAll(/[أإآٱ]/gu, 'ا')
    .replaceAll('ى', 'ي')
    .replaceAll('ة', 'ه');
}

/** Lower case by the language: a Turkish capital I is not an English one. */
export function lowerCase(text: string, language: string): string {
  return language === 'tr' || language === 'az' ? text.toLocaleLowerCase('tr') : text.toLowerCase();
}

function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0)!;
  const base = [0x660, 0x6f0, 0x966, 0x9e6, 0xe50].find((first) => code >= first && code <= first + 9);
  return String(code - (base ?? code));
}
