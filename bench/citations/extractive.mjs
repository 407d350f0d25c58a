import { analyzeQueryWords, analyzeText } from '../../server/dist/rag/analyzer/analyze.js';
import { composeExtractiveAnswer } from '../../server/dist/rag/extractive-answer.js';

const K1 = 1.2;
const B = 0.75;
const PASSAGES = 8;
const QUESTIONS = 1500;

/** Questions through BM25 over the whole collection and the built-in answer: how often it holds a gold answer. */
export function measureExtractive({ name, language, passages, queries }) {
  const index = indexOf(passages, language);
  const asked = queries.filter(({ metadata }) => metadata.answers?.length > 0).slice(0, QUESTIONS);
  let held = 0;
  let retrieved = 0;
  let silent = 0;
  let sentenceCount = 0;
  let characters = 0;
  for (const { text, metadata } of asked) {
    const shown = search(index, text, language);
    const answer = composeExtractiveAnswer(text, shown, language);
    const holds = (content) => metadata.answers.some((gold) => plain(content).includes(plain(gold)));
    if (holds(answer)) held += 1;
    if (shown.some((passage) => holds(passage.text))) retrieved += 1;
    if (answer === '') silent += 1;
    sentenceCount += answer.match(/\[\d+\]/gu)?.length ?? 0;
    characters += answer.length;
  }
  const share = (part) => (part / asked.length).toFixed(3);
  process.stdout.write(
    `${name.padEnd(10)} gold answer held ${share(held)}, in the ${PASSAGES} passages ${share(retrieved)}, no answer ${share(silent)}; ${(sentenceCount / asked.length).toFixed(2)} sentences, ${Math.round(characters / asked.length)} characters (${asked.length} questions)\n`,
  );
}

function plain(text) {
  return text
    .toLowerCase()
    .replaceAll(/ ?\[\d+\]/gu, '')
    .replaceAll(/[\s*_]+/gu, ' ');
}

function indexOf(passages, language) {
  const postings = new Map();
  const lengths = passages.map(({ text }, document) => {
    const terms = analyzeText(text, language);
    for (const term of terms) {
      const counts = postings.get(term) ?? new Map();
      counts.set(document, (counts.get(document) ?? 0) + 1);
      postings.set(term, counts);
    }
    return terms.length;
  });
  const average = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  return { passages, postings, lengths, average };
}

function search({ passages, postings, lengths, average }, question, language) {
  const scores = new Map();
  let idfSum = 0;
  for (const term of new Set(analyzeQueryWords(question, [language]).flat())) {
    const counts = postings.get(term);
    const frequency = counts?.size ?? 0;
    const idf = Math.log(1 + (passages.length - frequency + 0.5) / (frequency + 0.5));
    idfSum += idf;
    for (const [document, count] of counts ?? []) {
      const norm = K1 * (1 - B + (B * lengths[document]) / average);
      scores.set(document, (scores.get(document) ?? 0) + (idf * count * (K1 + 1)) / (count + norm));
    }
  }
  return [...scores]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, PASSAGES)
    .map(([document, score], index) => ({
      number: index + 1,
      title: passages[document].title,
      heading: null,
      text: passages[document].text,
      score: score / idfSum,
    }));
}
