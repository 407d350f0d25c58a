import { analyzeQueryWords, analyzeText } from './analyzer/analyze.js';
import { sentenceBody } from './evidence.js';
import { numberOfWord } from './number-words.js';
import { type Span, splitSentences } from './sentences.js';

export interface ComparablePassage {
  chunkId: string;
  documentId: string;
  title: string;
  heading: string | null;
  text: string;
  language: string;
}

export interface DifferingSentence<P extends ComparablePassage> extends Span {
  passage: P;
}

interface Statement<P extends ComparablePassage> {
  passage: P;
  span: Span;
  terms: ReadonlySet<string>;
  /** The words with `#` in place of each number or date. */
  frame: string;
  slots: readonly string[];
  words: readonly string[];
  isListItem: boolean;
}

/** The share of the question's words that a sentence must hold to be about it. */
const RELEVANT_SHARE = 0.5;
/** Shorter sentences do not say what they are about. */
const LEAST_TERMS = 3;
const LONGEST_CHARACTERS = 400;
const SLOT = '#';

const TOKEN = /\p{N}+(?:[.,:/'’-]\p{N}+)*|[\p{L}\p{M}]+(?:['’]\p{L}+)?/gu;
const NUMBER = /^\p{N}/u;
const THOUSANDS = /(?<=\d)[,.'’](?=\d{3}(?!\d))/gu;
const YEAR = /^(?:1[0-9]|20|21)\d\d$/u;
const LIST_ITEM = /^[ \t]*(?:[-*+•‣–][ \t]|\d{1,3}[.)][ \t]|\|)/u;
/** A number after one of these names a thing, and another number another thing. */
const LABELS =
  /^(?:v|ver|version|versions?|release|build|page|pages|p|pp|chapter|section|figure|fig|table|step|article|item|room|phase|part|level|class|grade|group|question|option|volume|vol|season|episode|round|number|no|nr|nº|n|line|row|type|model|seite|kapitel|abschnitt|abbildung|abb|tabelle|schritt|artikel|teil|raum|zimmer|stufe|klasse|ausgabe|página|capítulo|sección|figura|tabla|paso|artículo|parte|versión|chapitre|étape|article|partie|tableau|numéro|pagina|capitolo|sezione|passo|articolo|versione|seção|versão|hoofdstuk|versie|страница|глава|раздел|рисунок|таблица|шаг|статья|версия|часть|номер|sayfa|bölüm|sürüm|madde|صفحة|فصل|إصدار|المادة|पृष्ठ|अध्याय|संस्करण|第|ページ|バージョン)$/u;

/**
 * Two sentences about the question that are equal but for one number or date, from different documents or different
 * places of one; null where there are none. Only what is surely a contradiction: sentences that differ in a name too,
 * numbers that name things (`version 2`, `page 3`), lists, and places under headings or titles of other things are not.
 */
export function findDifferingSentences<P extends ComparablePassage>(
  question: string,
  passages: readonly P[],
): [DifferingSentence<P>, DifferingSentence<P>] | null {
  const asked = new Map<string, string[][]>();
  const byFrame = new Map<string, Statement<P>[]>();
  for (const passage of passages) {
    const { language } = passage;
    const words = asked.get(language) ?? analyzeQueryWords(question, [language]);
    asked.set(language, words);
    for (const statement of statementsOf(passage)) {
      if (!isAbout(statement, words)) continue;
      const others = byFrame.get(statement.frame) ?? [];
      const other = others.find((candidate) => contradict(candidate, statement, words));
      if (other !== undefined) {
        return [
          { ...other.span, passage: other.passage },
          { ...statement.span, passage },
        ];
      }
      byFrame.set(statement.frame, [...others, statement]);
    }
  }
  return null;
}

function statementsOf<P extends ComparablePassage>(passage: P): Statement<P>[] {
  const { text, language } = passage;
  const months = monthNames(language);
  return splitSentences(text).flatMap((sentence) => {
    if (sentence.end - sentence.start > LONGEST_CHARACTERS) return [];
    const span = sentenceBody(text, sentence);
    const body = text.slice(span.start, span.end).normalize('NFKC');
    const words: string[] = [];
    const slots: string[] = [];
    for (const [token] of body.toLowerCase().matchAll(TOKEN)) {
      const value = slotValue(token, language, months);
      if (value === null) words.push(token);
      else if (words.at(-1) === SLOT && slots.length > 0 && isDate(slots.at(-1)!, value)) {
        slots.push(`${slots.pop()} ${value}`);
      } else {
        words.push(SLOT);
        slots.push(value);
      }
    }
    if (slots.length === 0) return [];
    const terms = new Set(analyzeText(words.filter((word) => word !== SLOT).join(' '), language));
    if (terms.size < LEAST_TERMS) return [];
    const isListItem = LIST_ITEM.test(text.slice(sentence.start, sentence.end));
    return [{ passage, span, terms, frame: words.join(' '), slots, words, isListItem }];
  });
}

/** What a token says in digits, or a month's name; null for any other word. */
function slotValue(token: string, language: string, months: ReadonlyMap<string, string>): string | null {
  if (NUMBER.test(token)) return token.replaceAll(THOUSANDS, '');
  return months.get(token) ?? numberOfWord(token, language);
}

/** A day, a month's name and a year that follow each other are one date. */
function isDate(before: string, value: string): boolean {
  return /month/u.test(before) || value.startsWith('month');
}

const monthsByLanguage = new Map<string, ReadonlyMap<string, string>>();

function monthNames(language: string): ReadonlyMap<string, string> {
  const known = monthsByLanguage.get(language);
  if (known !== undefined) return known;
  const names = new Map<string, string>();
  for (let month = 0; month < 12; month += 1) {
    const date = new Date(Date.UTC(2001, month, 15));
    // With a day before it the name stands as it does in a date: `3 марта`.
    for (const options of [{ month: 'long' }, { month: 'long', day: 'numeric' }] as const) {
      const parts = dateFormat(language, options).formatToParts(date);
      const name = parts.find(({ type }) => type === 'month')?.value.toLowerCase() ?? '';
      if (/^\p{L}{3,}$/u.test(name)) names.set(name, `month${month}`);
    }
  }
  // A word as well: "it may take".
  names.delete('may');
  monthsByLanguage.set(language, names);
  return names;
}

function dateFormat(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = language === 'und' ? 'en' : language;
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
  } catch {
    return new Intl.DateTimeFormat('en', { ...options, timeZone: 'UTC' });
  }
}

function isAbout({ terms }: { terms: ReadonlySet<string> }, asked: readonly (readonly string[])[]): boolean {
  if (asked.length === 0) return false;
  const held = asked.filter((forms) => forms.some((form) => terms.has(form))).length;
  return held / asked.length >= RELEVANT_SHARE;
}

function contradict<P extends ComparablePassage>(
  a: Statement<P>,
  b: Statement<P>,
  asked: readonly (readonly string[])[],
): boolean {
  if (a.passage.chunkId === b.passage.chunkId) return false;
  const differing = a.slots.flatMap((slot, index) => (slot === b.slots[index] ? [] : [index]));
  const [index] = differing;
  if (index === undefined || differing.length > 1) return false;
  const values = [a.slots[index] ?? '', b.slots[index] ?? ''];
  const position = a.words.flatMap((word, place) => (word === SLOT ? [place] : []))[index] ?? 0;
  const isLabel = position === 0 || LABELS.test(a.words[position - 1] ?? '');
  if (isLabel) return false;
  const isSameDocument = a.passage.documentId === b.passage.documentId;
  // What happens year after year is told of each year.
  if (isSameDocument && (values.every((value) => YEAR.test(value)) || (a.isListItem && b.isListItem)))
    return false;
  return !areOfOtherThings(a, b, asked, isSameDocument);
}

/** Whether the places stand under names of two things, so that equal sentences are about one and about the other. */
function areOfOtherThings<P extends ComparablePassage>(
  a: Statement<P>,
  b: Statement<P>,
  asked: readonly (readonly string[])[],
  isSameDocument: boolean,
): boolean {
  const headings = [a, b].map(({ passage }) => termsOf(passage.heading ?? '', passage.language));
  const titles = [a, b].map(({ passage }) => termsOf(passage.title, passage.language));
  const [left = NONE, right = NONE] = headings;
  const isOtherHeading = !isEqual(left, right);
  // Within a document, another heading is another topic, unless the sentences name theirs.
  if (isSameDocument && isOtherHeading) return ![...left, ...right].some((term) => a.terms.has(term));
  if (isOtherHeading && areSiblings(left, right)) return true;
  // The question names the one and not the other.
  const labels = [0, 1].map((side) => new Set([...(headings[side] ?? []), ...(titles[side] ?? [])]));
  const named = labels.map((label) => asked.map((forms) => forms.some((form) => label.has(form))));
  return asked.some(
    (forms, word) => named[0]?.[word] !== named[1]?.[word] && !forms.some((form) => a.terms.has(form)),
  );
}

const NONE: ReadonlySet<string> = new Set();

function termsOf(label: string, language: string): Set<string> {
  return new Set(analyzeText(label, language));
}

function isEqual(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((term) => b.has(term));
}

/** `Pro plan` and `Team plan`: something in common, and a name of its own each. */
function areSiblings(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const hasOwn = (one: ReadonlySet<string>, other: ReadonlySet<string>) =>
    [...one].some((term) => !other.has(term) && !/^\d+$/u.test(term));
  return [...a].some((term) => b.has(term)) && hasOwn(a, b) && hasOwn(b, a);
}
