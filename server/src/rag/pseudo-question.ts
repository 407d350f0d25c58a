import { stopWords } from './analyzer/stop-words.js';
import { sentenceBody } from './evidence.js';
import { splitSentences } from './sentences.js';

/** As many words that say something as people's questions have; those of SQuAD have 5.5. */
const WORDS = 6;
const LEAST_WORDS = 3;
/** Scripts without spaces: about as much. */
const CHARACTERS = 12;
const WORD = /[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}]|['’.-](?=[\p{L}\p{N}]))*/gu;
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/**
 * A question that a text answers, made of the words of one of its sentences: the middle one of those that say enough.
 * The same text gives the same question; null where no sentence does.
 */
export function pseudoQuestion(text: string, language: string): string | null {
  const stops = stopWords(language);
  const candidates = splitSentences(text).flatMap((sentence) => {
    const { start, end } = sentenceBody(text, sentence);
    const body = text.slice(start, end);
    if (UNSPACED.test(body)) {
      return body.length < CHARACTERS ? [] : [middle(Array.from(body), CHARACTERS).join('')];
    }
    const words = Array.from(body.matchAll(WORD), ([word]) => word).filter(
      (word) => !stops.has(word.toLowerCase()),
    );
    return words.length < LEAST_WORDS ? [] : [middle(words, WORDS).join(' ')];
  });
  return candidates[Math.floor(candidates.length / 2)] ?? null;
}

function middle<T>(items: readonly T[], count: number): readonly T[] {
  const start = Math.max(0, Math.floor((items.length - count) / 2));
  return items.slice(start, start + count);
}
