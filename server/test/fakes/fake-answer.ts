import { wordsOf } from './fake-embeddings.js';

export interface FakeMessage {
  role: string;
  content: string;
}

interface NumberedSource {
  number: number;
  text: string;
}

/** `<source number="3" …>` up to its end, or `[3]` at the start of a line up to the next one. */
const TAGGED_SOURCE_PATTERN = /<(\w+)\b[^>\n]*?\b(?:number|id|index)="(\d+)"[^>\n]*>([\s\S]*?)<\/\1>/g;
const BRACKETED_SOURCE_PATTERN = /^[ \t]*\[(\d+)\]([\s\S]*?)(?=^[ \t]*\[\d+\]|$(?![\s\S]))/gm;
/** What the prompt asks for where the sources hold no answer. */
const NO_ANSWER_PATTERN = /reply with exactly (\S+)/i;
const REFUSAL = 'I could not find this in the sources.';
/** Shorter words say little of what a question is about. */
const SHORTEST_WORD = 4;

/**
 * Answers as an honest model would: with the sentence of the numbered sources in the prompt that shares the most
 * words with the question, its source's number before the full stop. Without a shared word it replies what the
 * prompt asks for in that case.
 */
export function answerFromNumberedSources(messages: readonly FakeMessage[]): string {
  const prompt = splitPrompt(messages);
  const questionWords = new Set(wordsOf(prompt.question).filter((word) => word.length >= SHORTEST_WORD));
  let bestScore = 0;
  let bestAnswer = NO_ANSWER_PATTERN.exec(prompt.context)?.[1] ?? REFUSAL;
  for (const source of findSources(prompt.context)) {
    for (const sentence of splitSentences(source.text)) {
      const score = new Set(wordsOf(sentence).filter((word) => questionWords.has(word))).size;
      if (score <= bestScore) continue;
      bestScore = score;
      bestAnswer = sentence.replace(/[.!?]?$/, (end) => ` [${source.number}]${end}`);
    }
  }
  return bestAnswer;
}

/** The question is the last user message, or its last paragraph where sources stand before it. */
function splitPrompt(messages: readonly FakeMessage[]): { context: string; question: string } {
  const system = messages.filter((message) => message.role === 'system').map((message) => message.content);
  const lastMessage = messages.findLast((message) => message.role === 'user')?.content.trim() ?? '';
  if (findSources(lastMessage).length === 0) return { context: system.join('\n\n'), question: lastMessage };
  const questionStart = lastMessage.lastIndexOf('\n\n');
  const context = [...system, lastMessage.slice(0, questionStart)].join('\n\n');
  return { context, question: lastMessage.slice(questionStart) };
}

function findSources(text: string): NumberedSource[] {
  const tagged = [...text.matchAll(TAGGED_SOURCE_PATTERN)];
  if (tagged.length > 0) return tagged.map((match) => ({ number: Number(match[2]), text: match[3] ?? '' }));
  const bracketed = [...text.matchAll(BRACKETED_SOURCE_PATTERN)];
  return bracketed.map((match) => ({ number: Number(match[1]), text: match[2] ?? '' }));
}

function splitSentences(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
}
