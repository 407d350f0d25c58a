import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createCitationChecker } from '../../server/dist/rag/citations.js';
import { countNegations } from '../../server/dist/rag/negation.js';
import { splitSentences } from '../../server/dist/rag/sentences.js';
import { randomOf } from './random.mjs';

const PASSAGES_SHOWN = 5;
const STATEMENTS = 600;
const UNCASED = new Set(['ar', 'hi', 'th', 'zh']);

/** A negation as somebody who lies would put it in: before a word in the middle of the sentence. */
const NEGATION = {
  en: 'not',
  de: 'nicht',
  es: 'no',
  ru: 'не',
  ar: 'لا',
  hi: 'नहीं',
  th: 'ไม่',
  vi: 'không',
  zh: '不',
};

export function readCollection(folder, name) {
  const read = (file) =>
    gunzipSync(readFileSync(`${folder}/${name}/${file}`))
      .toString()
      .trim()
      .split('\n');
  const language = name.startsWith('xquad-') ? name.slice(6) : 'en';
  return {
    name,
    language,
    passages: read('corpus.jsonl.gz').map((line) => JSON.parse(line)),
    queries: read('queries.jsonl.gz').map((line) => JSON.parse(line)),
    qrels: read('qrels.tsv.gz'),
  };
}

/** Sentences of the passages as answers, as they are, shortened and falsified; prints the share that is caught. */
export function measureStatements({ name, language, passages }) {
  const random = randomOf(name.length * 7919);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const counts = {};
  const count = (kind, { support, isMarked }) => {
    counts[kind] ??= { total: 0, located: 0, partly_located: 0, not_located: 0, marked: 0 };
    counts[kind].total += 1;
    counts[kind][support] += 1;
    if (isMarked) counts[kind].marked += 1;
  };
  const names = passages.flatMap(({ text }) => namesIn(text, language));
  let checks = 0;
  let milliseconds = 0;

  for (let round = 0; round < STATEMENTS; round += 1) {
    const shown = Array.from({ length: PASSAGES_SHOWN }, () => pick(passages));
    const [passage] = shown;
    const sentences = splitSentences(passage.text).map(({ start, end }) => passage.text.slice(start, end));
    const sentence = pick(sentences.filter((text) => text.length > 40 && text.length < 400));
    if (sentence === undefined) continue;
    const numbered = shown.map(({ text, title }, index) => ({ number: index + 1, text, title }));
    const check = (statement) => {
      const startedAt = performance.now();
      const checker = createCitationChecker(numbered, language);
      const body = statement.replace(/[.。।؟!?]+$/u, '');
      const text = checker.push(`${body} [1].`).text + checker.end().text;
      milliseconds += performance.now() - startedAt;
      checks += 1;
      const supports = new Set(checker.sentences().map((judged) => judged.support));
      const support = ['not_located', 'partly_located', 'located'].find((kind) => supports.has(kind));
      return { support: support ?? 'not_located', isMarked: text.includes('[1]') };
    };
    count('verbatim', check(sentence));
    count('shortened', check(shorten(sentence, language)));
    const number = changeNumber(sentence, random);
    if (number !== null) count('changed number', check(number));
    const swapped = swapName(sentence, language, pick(names), passage.text);
    if (swapped !== null) count('swapped name', check(swapped));
    const crossed = swapName(sentence, language, pick(namesIn(passage.text, language)), sentence);
    if (crossed !== null) count('name of the same passage', check(crossed));
    const negated = negate(sentence, language, random);
    if (negated !== null) count('inserted negation', check(negated));
  }
  for (const [kind, { total, located, partly_located: partly, not_located: not, marked }] of Object.entries(
    counts,
  )) {
    const share = (part) => `${((100 * part) / total).toFixed(1)} %`.padStart(8);
    process.stdout.write(
      `${name.padEnd(10)} ${kind.padEnd(25)} ${String(total).padStart(4)}  located ${share(located)}  partly ${share(partly)}  not ${share(not)}  marker kept ${share(marked)}\n`,
    );
  }
  process.stdout.write(
    `${name.padEnd(10)} ${(milliseconds / checks).toFixed(2)} ms an answer with one marker, passages analysed anew\n`,
  );
}

/** The first two thirds of it, up to a word's end. */
function shorten(sentence, language) {
  const cut = Math.floor((sentence.length * 2) / 3);
  if (language === 'zh' || language === 'th') return sentence.slice(0, cut).toWellFormed();
  return sentence.slice(0, sentence.lastIndexOf(' ', cut)).replace(/[,;:(]$/u, '');
}

function changeNumber(sentence, random) {
  const numbers = [...sentence.matchAll(/\p{Nd}+/gu)];
  const match = numbers[Math.floor(random() * numbers.length)];
  if (match === undefined) return null;
  const last = match[0].codePointAt(match[0].length - 1);
  const zero = last - (last >= 0x30 && last <= 0x39 ? last - 0x30 : last & 0xf);
  const other = String.fromCodePoint(zero + ((last - zero + 1 + Math.floor(random() * 8)) % 10));
  const changed = match[0].slice(0, -1) + other;
  const result = sentence.slice(0, match.index) + changed + sentence.slice(match.index + match[0].length);
  // A number that the sentence has elsewhere is no lie that a comparison could see.
  return sentence.match(/\p{Nd}+/gu).includes(changed) ? null : result;
}

/** Capitalised words inside sentences; in scripts without capitals, words or runs of characters that are rare. */
function namesIn(text, language) {
  if (language === 'zh') return text.match(/[\p{sc=Han}]{2,4}(?=[·・])|(?<=[·・])[\p{sc=Han}]{2,4}/gu) ?? [];
  if (UNCASED.has(language)) {
    const words = [...new Intl.Segmenter(language, { granularity: 'word' }).segment(text)];
    return words
      .filter(({ isWordLike, segment }) => isWordLike && /^[\p{L}\p{M}]{5,}$/u.test(segment))
      .map(({ segment }) => segment);
  }
  return (text.match(/(?<=[\p{Ll},] )\p{Lu}[\p{L}\p{M}]{3,}/gu) ?? []).filter(Boolean);
}

function swapName(sentence, language, other, forbidden) {
  const own = namesIn(sentence, language)[0];
  if (own === undefined || other === undefined || own === other) return null;
  if (forbidden.toLowerCase().includes(other.toLowerCase().slice(0, 4))) return null;
  return sentence.replace(own, other);
}

function negate(sentence, language, random) {
  const negation = NEGATION[language];
  if (language === 'zh' || language === 'th') {
    const segments = [...new Intl.Segmenter(language, { granularity: 'word' }).segment(sentence)];
    const { index } = segments[1 + Math.floor(random() * Math.max(1, segments.length - 2))] ?? segments[0];
    const result = sentence.slice(0, index) + negation + sentence.slice(index);
    return countNegations(result, language) === countNegations(sentence, language) ? null : result;
  }
  const spaces = [...sentence.matchAll(/(?<=[\p{L}\p{M}]) (?=\p{Ll}|\p{Lo})/gu)];
  const space = spaces[Math.floor(random() * spaces.length)];
  if (space === undefined) return null;
  return `${sentence.slice(0, space.index)} ${negation}${sentence.slice(space.index)}`;
}
