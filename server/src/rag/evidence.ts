import { analyzeText } from './analyzer/analyze.js';
import { type Figure, figuresOf } from './figures.js';
import { type Names, namesOf } from './names.js';
import { countNegations } from './negation.js';
import { type Span, splitSentences } from './sentences.js';

/** A sentence of a passage as it can be compared and quoted; offsets without list and heading marks. */
export interface EvidenceSentence extends Span {
  terms: ReadonlySet<string>;
  figures: readonly Figure[];
  names: Names;
  /** Its parts between commas and the like, for what is negated is seldom the whole. */
  clauses: readonly { terms: ReadonlySet<string>; negations: number }[];
}

/** A passage made ready to be compared with. */
export interface Evidence {
  number: number;
  text: string;
  language: string;
  sentences: readonly EvidenceSentence[];
  /** Terms of title and headings: whose battery it is that lasts ten hours. */
  context: ReadonlySet<string>;
}

export interface EvidencePassage {
  number: number;
  text: string;
  title?: string;
  heading?: string | null;
  /** ISO 639-1 code; unset: that of the answer's other passages. */
  language?: string | null;
}

/** A statement as it is compared with passages of one language. */
export interface Claim {
  text: string;
  terms: ReadonlySet<string>;
  figures: readonly Figure[];
  names: Names;
  negations: number;
}

const LINE_MARK = /^(?:(?:[-*+•‣–>]|\d{1,3}[.)]|#{1,6})[ \t]+|\|[ \t]*)+/u;
const TABLE_END = /[ \t]*\|$/u;
const CLAUSE_END = /[,;:()–—،؛，；：、（）|]|\s-\s/u;

export function prepareEvidence(passage: EvidencePassage, defaultLanguage: string): Evidence {
  const { number, text } = passage;
  const language = passage.language ?? defaultLanguage;
  const sentences = splitSentences(text).map((sentence) => {
    const span = sentenceBody(text, sentence);
    const body = text.slice(span.start, span.end);
    return {
      ...span,
      terms: new Set(analyzeText(body, language)),
      figures: figuresOf(body, language),
      names: namesOf(body, language),
      clauses: body.split(CLAUSE_END).map((clause) => ({
        terms: new Set(analyzeText(clause, language)),
        negations: countNegations(clause, language),
      })),
    };
  });
  const context = new Set(analyzeText(`${passage.title ?? ''}\n${passage.heading ?? ''}`, language));
  return { number, text, language, sentences, context };
}

/** @param textLanguage of the claim itself, for its numbers and negations; terms are those of the passage's language. */
export function prepareClaim(text: string, language: string, textLanguage = language): Claim {
  return {
    text,
    terms: new Set(analyzeText(text, language)),
    figures: figuresOf(text, textLanguage),
    names: namesOf(text, language),
    negations: countNegations(text, textLanguage),
  };
}

/** A sentence without the mark of its list item, heading or quote and without the pipes around a table row. */
export function sentenceBody(text: string, sentence: Span): Span {
  const content = text.slice(sentence.start, sentence.end);
  const mark = LINE_MARK.exec(content)?.[0].length ?? 0;
  const end = content.length - (TABLE_END.exec(content.slice(mark))?.[0].length ?? 0);
  if (mark >= end) return { ...sentence };
  return { start: sentence.start + mark, end: sentence.start + end };
}

/** Sentences that are thought to surround the passages: with few passages, one word they lack would outweigh all others. */
const BACKGROUND_SENTENCES = 20;

/** How much each term says: its idf over the sentences of the passages that are shown. */
export function termWeights(evidence: readonly Evidence[]): (term: string) => number {
  const frequencies = new Map<string, number>();
  let count = BACKGROUND_SENTENCES;
  for (const { sentences } of evidence) {
    count += sentences.length;
    for (const { terms } of sentences) {
      for (const term of terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
    }
  }
  return (term) => {
    const frequency = frequencies.get(term) ?? 0;
    return Math.log(1 + (count - frequency + 0.5) / (frequency + 0.5));
  };
}
