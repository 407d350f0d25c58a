// A corpus of any size from the sentences of a small one: its words are those that people write, its texts are not.
import { createRandom } from '../ingest/corpus.mjs';

/** Of a passage, about: a sentence more or less. */
const WORDS = 83;
const HEADING_WORDS = 4;
/** Of one source. Each is a section under a heading, and so a chunk. */
const PASSAGES_PER_SOURCE = 1_000;
const LEAST_SENTENCE_WORDS = 4;
const SEED = 11;

/** @returns sources `{ name, text }` with so many chunks in all, and their passages `{ id, title, text }` */
export function mixSentences({ documents }, chunkCount) {
  const random = createRandom(SEED);
  const sentences = documents
    .flatMap(({ text }) => sentencesOf(text))
    .map((sentence) => sentence.split(/\s+/))
    .filter(({ length }) => length >= LEAST_SENTENCE_WORDS);
  const pick = () => sentences[Math.floor(random() * sentences.length)];
  const passages = Array.from({ length: chunkCount }, (_, at) => {
    const words = [];
    while (words.length < WORDS) words.push(...pick());
    const title = pick()
      .slice(0, HEADING_WORDS)
      .join(' ')
      .replace(/[^\p{L}\p{N}\p{M} ]/gu, '');
    return { id: `${at}`, title, text: words.join(' ') };
  });
  const sources = [];
  for (let start = 0; start < chunkCount; start += PASSAGES_PER_SOURCE) {
    const sections = passages.slice(start, start + PASSAGES_PER_SOURCE);
    const text = sections.map((passage) => `# ${passage.title}\n\n${passage.text}`).join('\n\n');
    sources.push({ name: `Volume ${sources.length + 1}`, text });
  }
  return { sources, passages };
}

function sentencesOf(text) {
  const segments = new Intl.Segmenter('en', { granularity: 'sentence' }).segment(text);
  return [...segments].map(({ segment }) => segment.trim());
}
