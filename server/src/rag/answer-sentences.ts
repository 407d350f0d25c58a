import { JOINER } from './answer-cursor.js';
import { type Span, splitSentences } from './sentences.js';

export type Support = 'located' | 'partly_located' | 'not_located';

export interface Mark {
  /** In the text without markers. */
  at: number;
  /** As it is shown, with the space before it; `''` for one that was removed. */
  text: string;
  support: Support;
}

export interface Judgement {
  support: Support;
  /** Whether it states anything that a source could hold: questions, headings and "Yes." do not. */
  isStatement: boolean;
}

export interface SentenceWriter {
  /** Each returns what may be shown now. */
  add: (text: string, isCode: boolean) => string;
  mark: (text: string, support: Support) => string;
  end: () => string;
  /** The text since the last complete sentence, without markers, and the marks in it. */
  open: () => { text: string; marks: readonly Mark[] };
  sentences: () => (Span & { support: Support })[];
}

export interface SentenceRules {
  judge: (sentence: string, marks: readonly Mark[]) => Judgement;
  /** What is done with statements that no source is found for; `keep` never waits for a sentence to be complete. */
  unsupported: 'keep' | 'hedge' | 'strip';
  /** What a hedged sentence says before its full stop. */
  hedge: string;
}

/** Without one of these, and when short, a text is a single sentence. */
const MAY_END = /[.!?…。！？｡।॥؟۔\n]/u;
const LONG_CHARACTERS = 160;
/** Enough of the next sentence to know that it is one. */
const NEXT_SENTENCE = /^(?:\S+\s|\S{12})/u;
const LOOKS_AT = /[\s\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u;
const FINAL_MARK = /[.!?…。！？।؟۔]+["'”»)*_]*$/u;

/** Cuts an answer into its sentences as it grows, judges each once it is complete, and shows it by the rules. */
export function createSentenceWriter({ judge, unsupported, hedge }: SentenceRules): SentenceWriter {
  const sentences: (Span & { support: Support })[] = [];
  let pending = '';
  let marks: Mark[] = [];
  let code: Span[] = [];
  /** Characters shown up to where `pending` begins. */
  let shown = 0;
  /** The white space around sentences that were left out since. */
  let gap: '' | ' ' | '\n' = '';

  const complete = (sentence: Span, next: number): string => {
    const inside = marks.filter(({ at }) => at <= next);
    const end = Math.max(sentence.end, ...inside.map(({ at }) => at));
    const isCode = code.some((span) => span.start < sentence.end && span.end > sentence.start);
    const own = pending.slice(sentence.start, sentence.end);
    const { support, isStatement } = judge(
      own,
      inside.map((mark) => ({ ...mark, at: mark.at - sentence.start })),
    );
    const isWeak = isStatement && !isCode && support !== 'located';
    const isStripped = unsupported === 'strip' && isWeak && support === 'not_located';
    let text = '';
    if (isStripped) {
      if (pending.slice(0, end).includes('\n')) gap = '\n';
      else gap ||= ' ';
    } else {
      const isHedged = unsupported !== 'keep' && isWeak;
      const final = FINAL_MARK.exec(own)?.[0].length ?? 0;
      text = assemble(end, inside, isHedged ? { at: sentence.end - final, text: hedge } : null);
      const isCodeFirst = code.some((span) => span.start <= sentence.start && span.end > sentence.start);
      text = closeGap(text, isCodeFirst);
      const lead = text.length - text.trimStart().length;
      sentences.push({ start: shown + lead, end: shown + text.length, support });
    }
    shown += text.length;
    pending = pending.slice(end);
    marks = marks.slice(inside.length).map((mark) => ({ ...mark, at: mark.at - end }));
    code = code
      .map((span) => ({ start: span.start - end, end: span.end - end }))
      .filter((span) => span.end > 0);
    return text;
  };

  /** What was left out parted what now stands side by side: a line from the next, a sign from a bracket. */
  const closeGap = (text: string, isCode: boolean): string => {
    const own = /^\s*/u.exec(text)?.[0] ?? '';
    const before = gap;
    gap = '';
    const first = text.trimStart();
    if (before === '') return shown === 0 ? first : text;
    const space = shown === 0 ? '' : own.includes('\n') ? own : before === '\n' || own === '' ? before : own;
    // At the start of a line it would open a block of code.
    const opensBlock = !isCode && /^(?:`{3}|~{3})/u.test(first) && (shown === 0 || space.includes('\n'));
    return space + (opensBlock ? JOINER : '') + first;
  };

  const assemble = (
    end: number,
    inside: readonly Mark[],
    hedged: { at: number; text: string } | null,
  ): string => {
    let text = '';
    let position = 0;
    let isHedged = hedged === null;
    for (const { at, text: mark } of inside) {
      if (hedged !== null && !isHedged && hedged.at <= at) {
        text += pending.slice(position, hedged.at) + hedged.text;
        position = hedged.at;
        isHedged = true;
      }
      text += pending.slice(position, at) + mark;
      position = at;
    }
    if (hedged !== null && !isHedged) {
      text += pending.slice(position, hedged.at) + hedged.text;
      position = hedged.at;
    }
    return text + pending.slice(position, end);
  };

  const completeReady = (): string => {
    let text = '';
    for (;;) {
      if (!MAY_END.test(pending) && pending.length < LONG_CHARACTERS) return text;
      const [first, second] = splitSentences(pending);
      if (first === undefined || second === undefined) return text;
      if (!NEXT_SENTENCE.test(pending.slice(second.start))) return text;
      text += complete(first, second.start);
    }
  };

  /** Nothing is shown before the first character that is seen. */
  const leading = (text: string): string =>
    shown === 0 && pending.trim() === '' && marks.every((mark) => mark.text === '') ? text.trimStart() : text;

  return {
    add: (text, isCode) => {
      let out = '';
      for (const character of text) {
        const now = unsupported === 'keep' ? leading(character) : '';
        if (isCode) code.push({ start: pending.length, end: pending.length + character.length });
        pending += character;
        const done = LOOKS_AT.test(character) ? completeReady() : '';
        out += unsupported === 'keep' ? now : done;
      }
      return out;
    },
    mark: (text, support) => {
      const now = leading(text);
      marks.push({ at: pending.length, text, support });
      return unsupported === 'keep' ? now : '';
    },
    end: () => {
      let out = '';
      const last = splitSentences(pending);
      while (pending.trim() !== '' && last.length > 0) {
        const [first, second] = splitSentences(pending);
        if (first === undefined) break;
        out += complete(first, second?.start ?? pending.length);
      }
      const rest = assemble(pending.length, marks, null);
      return unsupported === 'keep' ? '' : out + (out === '' && shown === 0 ? rest.trimStart() : rest);
    },
    open: () => ({ text: pending, marks }),
    sentences: () => structuredClone(sentences),
  };
}
