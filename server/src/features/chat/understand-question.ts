import type { Context } from '#platform/context.js';
import { comparableQuestion } from '#rag/comparable-question.js';
import {
  type EarlierTurn,
  carryOver,
  fittingQuestion,
  keepsQuestion,
  languageOfTurns,
  leansOnEarlier,
  wholeQuestion,
} from '#rag/follow-up.js';
import type { PromptPassage } from '#rag/passages.js';
import { readLines, rewritePrompt } from '#rag/understanding-prompts.js';
import { retrievalOptionsOf } from '#features/projects/project-options.js';
import { type ThinkingTime, askModel } from '#features/retrieval/ask-model.js';
import type { RetrievalInput } from '#features/retrieval/retrieve-passages.js';
import type { Turn } from './open-turn.js';
import type { TurnRecord } from './turn-record.js';

/** A question as it is searched for, and as a model that sees no history has to be asked. */
interface UnderstoodQuestion {
  search: Pick<RetrievalInput, 'query' | 'asked' | 'focus'>;
  questionFor: (passages: readonly PromptPassage[]) => string;
}

const MAX_QUERY_LENGTH = 2_000;
const HISTORY_MESSAGES = 6;

/**
 * Puts into a question what it leaves out because it was said before: by the mini model where the project wants that
 * and there is one, else, and when that fails, by rules.
 */
export async function understandQuestion(
  ctx: Pick<Context, 'chatModel' | 'log'>,
  { turn, record, thinking }: { turn: Turn; record: TurnRecord; thinking: ThinkingTime },
  signal: AbortSignal,
): Promise<UnderstoodQuestion> {
  const asked = turn.question.slice(0, MAX_QUERY_LENGTH);
  const { followUps } = retrievalOptionsOf(turn.project.retrievalOptions);
  const earlier = earlierTurns(turn.history);
  if (followUps === 'off' || earlier.length === 0) return asItIs(turn);
  const language = languageOfTurns(asked, earlier);
  const rewritten =
    followUps === 'auto' && leansOnEarlier(asked, language)
      ? await rewriteByModel(ctx, { turn, asked, earlier, language, record, thinking }, signal)
      : null;
  if (rewritten !== null) {
    if (comparableQuestion(rewritten) === comparableQuestion(asked)) return asItIs(turn);
    record.rewrite = { from: asked, to: rewritten, by: 'model' };
    return { search: { query: rewritten, asked }, questionFor: () => rewritten };
  }
  const followUp = carryOver(asked, earlier, language);
  if (followUp === null) return asItIs(turn);
  const { own, isContrast } = followUp;
  const query = wholeQuestion(followUp).slice(0, MAX_QUERY_LENGTH);
  record.rewrite = { from: asked, to: query, by: 'rules' };
  return {
    search: {
      query,
      asked,
      focus: own.length === 0 ? null : { text: own.join(' '), isNeeded: isContrast },
    },
    questionFor: (passages) => fittingQuestion(followUp, passages),
  };
}

function asItIs({ question }: Turn): UnderstoodQuestion {
  return { search: { query: question.slice(0, MAX_QUERY_LENGTH) }, questionFor: () => question };
}

/** @returns null where there is no model, or what it writes is no wording of the question */
async function rewriteByModel(
  ctx: Pick<Context, 'chatModel' | 'log'>,
  input: {
    turn: Turn;
    asked: string;
    earlier: readonly EarlierTurn[];
    language: string;
    record: TurnRecord;
    thinking: ThinkingTime;
  },
  signal: AbortSignal,
): Promise<string | null> {
  const { turn, asked, earlier, language, record, thinking } = input;
  if (ctx.chatModel.isBuiltin) return null;
  const model = turn.project.modelMini ?? ctx.chatModel.defaultModels.mini;
  const prompt = rewritePrompt(asked, turn.history.slice(-HISTORY_MESSAGES));
  const { text, call } = await askModel(ctx, { step: 'rewrite', model, ...prompt }, thinking, signal);
  if (text === null) {
    record.calls.push(call);
    return null;
  }
  const [rewritten = ''] = readLines(text, 1);
  const isUsable = rewritten !== '' && keepsQuestion(asked, rewritten, earlier, language);
  record.calls.push(isUsable ? call : { ...call, failure: 'unusable' });
  return isUsable ? rewritten : null;
}

function earlierTurns(history: Turn['history']): EarlierTurn[] {
  return history.flatMap(({ role, content }, index) => {
    const answer = history[index + 1];
    if (role !== 'user' || answer?.role !== 'assistant') return [];
    return [{ question: content, answer: answer.content, titles: answer.titles ?? [] }];
  });
}
