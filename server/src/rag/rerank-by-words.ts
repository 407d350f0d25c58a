import { analyzeQueryWords } from './analyzer/analyze.js';
import { PIECE_CHARACTERS, createPieceCounter } from './piece-counter.js';

/** Words beside each other, or near, in the order of the question. */
const PROXIMITY_WEIGHT = 0.6;
const NEAR_WORDS = 12;
/** Pieces of words: endings, compounds and slips that no stem knows. English has few endings, and long technical texts share many pieces by chance. */
const PIECE_WEIGHT_ENGLISH = 0.05;
const PIECE_WEIGHT = 0.1;
const K1 = 1.2;
const B = 0.75;
const STOP_WORD_WEIGHT = 1;
/** What stands in quotes, or is an id such as `ERR-4042` or `user.getName`, and is in the text to the letter. */
const PHRASE_WEIGHT = 1;

const PUNCTUATION = /[\s!-/:-@[-`{-~\u2000-\u206f\u3000-\u303f]+/g;
/** Scripts whose words are found by characters: pieces would count them twice. */
const UNSPACED =
  /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/u;
const QUOTED = /"([^"]{2,200})"/gu;
const IDENTIFIER =
  /(?<![\p{L}\p{N}])(?=[\p{L}\p{N}._\-/#:]*(?:\d|_|\.\p{L}|\p{Ll}\p{Lu}))[\p{L}\p{N}]+(?:[._\-/#:][\p{L}\p{N}]+)*(?![\p{L}\p{N}])/gu;

export interface RerankQuery {
  text: string;
  /** The languages that `words` were made in, the likeliest first. */
  languages: readonly string[];
  words: readonly { forms: readonly string[]; idf: number }[];
}

export interface RerankCandidate {
  /** BM25. */
  score: number;
  /** Title, headings and text as they stand. */
  text: string;
  /** Index terms in order; null: unknown, the words' places are then not looked at. */
  terms: string | null;
}

/**
 * New scores for the best chunks of BM25, by what it does not see: `score + 0.6 * sum over neighbouring words of the
 * question min(idf) * (a/(a+1) + n/(n+1))`, with `a` how often the two stand beside each other in that order and `n`
 * within twelve words, `+ 0.05 (English; else 0.1) * sum over 4-character pieces of the question's words idf * tf *
 * 2.2/(tf + 1.2 * (0.25 + 0.75 * length/average))`, and the idf of quoted phrases and ids that stand in the text.
 */
export function rerankByWords(query: RerankQuery, candidates: readonly RerankCandidate[]): number[] {
  const pieces = piecesOf(query);
  const phrases = phrasesOf(query);
  const wordOfTerm = new Map<string, number>();
  for (const [index, { forms }] of query.words.entries()) {
    for (const form of forms) if (!wordOfTerm.has(form)) wordOfTerm.set(form, index);
  }
  const countPieces = createPieceCounter([...pieces.keys()]);
  const weights = [...pieces.values()];
  const texts = candidates.map(({ text }) => comparable(text));
  const average = Math.max(1, texts.reduce((sum, text) => sum + text.length, 0) / Math.max(1, texts.length));
  const pieceWeight = query.languages[0] === 'en' ? PIECE_WEIGHT_ENGLISH : PIECE_WEIGHT;
  return candidates.map(({ score, terms }, index) => {
    const text = texts[index] ?? '';
    const norm = K1 * (1 - B + (B * text.length) / average);
    const near = terms === null ? 0 : proximity(terms.split(/[ \n]/u), query.words, wordOfTerm);
    return (
      score +
      PROXIMITY_WEIGHT * near +
      pieceWeight * overlap(countPieces(text), weights, norm) +
      exact(text, phrases)
    );
  });
}

/** Lower case, one space between words and around: so that pieces at the start and end of words are found. */
function comparable(text: string): string {
  return ` ${text.toLowerCase().replaceAll(PUNCTUATION, ' ')} `;
}

function piecesOf({ text, languages, words }: RerankQuery): Map<string, number> {
  const pieces = new Map<string, number>();
  const idfOfForm = new Map(words.flatMap(({ forms, idf }) => forms.map((form) => [form, idf] as const)));
  for (const word of comparable(text).trim().split(' ')) {
    if (word.length < 2 || UNSPACED.test(word)) continue;
    const forms = analyzeQueryWords(word, languages).flat();
    const weight = Math.max(STOP_WORD_WEIGHT, ...forms.map((form) => idfOfForm.get(form) ?? 0));
    const padded = ` ${word} `;
    for (let start = 0; start + PIECE_CHARACTERS <= padded.length; start += 1) {
      const piece = padded.slice(start, start + PIECE_CHARACTERS);
      pieces.set(piece, (pieces.get(piece) ?? 0) + weight);
    }
  }
  return pieces;
}

function overlap(counts: Uint32Array, weights: readonly number[], norm: number): number {
  let sum = 0;
  for (const [index, weight] of weights.entries()) {
    const count = counts[index]!;
    if (count > 0) sum += (weight * count * (K1 + 1)) / (count + norm);
  }
  return sum;
}

function proximity(
  terms: readonly string[],
  words: RerankQuery['words'],
  wordOfTerm: ReadonlyMap<string, number>,
): number {
  const places: number[][] = words.map(() => []);
  for (const [place, term] of terms.entries()) {
    const word = wordOfTerm.get(term);
    if (word !== undefined) places[word]?.push(place);
  }
  let sum = 0;
  for (let index = 1; index < words.length; index += 1) {
    const first = places[index - 1]!;
    const second = places[index]!;
    if (first.length === 0 || second.length === 0) continue;
    let adjacent = 0;
    let near = 0;
    for (const a of first) {
      for (const b of second) {
        if (b === a + 1) adjacent += 1;
        if (Math.abs(b - a) <= NEAR_WORDS) near += 1;
      }
    }
    const weight = Math.min(words[index - 1]!.idf, words[index]!.idf);
    sum += weight * (adjacent / (adjacent + 1) + near / (near + 1));
  }
  return sum;
}

function phrasesOf({ text, languages, words }: RerankQuery): { phrase: string; weight: number }[] {
  const idfOfForm = new Map(words.flatMap(({ forms, idf }) => forms.map((form) => [form, idf] as const)));
  const quoted = Array.from(text.matchAll(QUOTED), ([, phrase]) => phrase ?? '');
  const ids = Array.from(text.matchAll(IDENTIFIER), ([id]) => id).filter((id) => /\D/u.test(id));
  return [...new Set([...quoted, ...ids].map(comparable))].map((phrase) => {
    const forms = new Set(analyzeQueryWords(phrase, languages).flat());
    const idfSum = [...forms].reduce((sum, form) => sum + (idfOfForm.get(form) ?? 0), 0);
    return { phrase, weight: PHRASE_WEIGHT * idfSum };
  });
}

function exact(text: string, phrases: readonly { phrase: string; weight: number }[]): number {
  return phrases.reduce((sum, { phrase, weight }) => sum + (text.includes(phrase) ? weight : 0), 0);
}
