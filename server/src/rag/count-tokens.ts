import { countTokens as countEncodedTokens } from 'gpt-tokenizer/encoding/o200k_base';

/** Runs without a change between space and text are cut here: byte-pair merging is quadratic in their length. */
const LONGEST_RUN_CHARACTERS = 1_000;
const LONG_RUN = new RegExp(`\\S{${LONGEST_RUN_CHARACTERS + 1},}|\\s{${LONGEST_RUN_CHARACTERS + 1},}`, 'u');
const RUNS = /\S+|\s+/gu;
const RUN_PIECE_CHARACTERS = 500;

/** Special tokens that stand in a text (`<|endoftext|>`) are text: nothing is disallowed, nothing is special. */
const PLAIN_TEXT = { disallowedSpecial: new Set<string>() };

/** Tokens of a text by OpenAI's `o200k_base`, an estimate for other models. Linear in the text's length. */
export function countTokens(text: string): number {
  if (text.length <= LONGEST_RUN_CHARACTERS || !LONG_RUN.test(text)) {
    return countEncodedTokens(text, PLAIN_TEXT);
  }
  let total = 0;
  let ordinaryStart = 0;
  for (const match of text.matchAll(RUNS)) {
    if (match[0].length <= LONGEST_RUN_CHARACTERS) continue;
    total += countEncodedTokens(text.slice(ordinaryStart, match.index), PLAIN_TEXT) + countRun(match[0]);
    ordinaryStart = match.index + match[0].length;
  }
  return total + countEncodedTokens(text.slice(ordinaryStart), PLAIN_TEXT);
}

function countRun(run: string): number {
  let total = 0;
  for (let start = 0; start < run.length; start += RUN_PIECE_CHARACTERS) {
    total += countEncodedTokens(run.slice(start, start + RUN_PIECE_CHARACTERS), PLAIN_TEXT);
  }
  return total;
}
