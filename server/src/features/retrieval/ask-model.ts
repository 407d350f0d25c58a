import { ModelError, type ModelErrorKind } from '#kernel/model-error.js';
import type { Context } from '#platform/context.js';
import { messageCost } from '#features/usage/message-cost.js';

/** A call to a model beside the answer itself, as traces tell it. */
export interface ModelCall {
  step: 'rewrite' | 'translation' | 'wordings' | 'imagined_answer' | 'rerank';
  model: string;
  inputTokens: number;
  outputTokens: number;
  /** Decimal, in US dollars. */
  cost: string;
  milliseconds: number;
  /** Null: it went well. `deadline`: it took too long; `unusable`: its reply could not be read. */
  failure: ModelErrorKind | 'deadline' | 'unusable' | null;
}

export interface ModelQuestion {
  step: ModelCall['step'];
  model: string;
  system: string;
  user: string;
}

/** How long a question may be thought about before it is searched for and answered. */
export interface ThinkingTime {
  remainingMs: () => number;
}

/** For all calls of one question together: its first word is later by no more than this. */
const THINKING_MS = 5_000;
const CALL_MS = 3_000;
/** Models that reason spend most of it unseen. */
const MAX_OUTPUT_TOKENS = 800;

export function startThinkingTime(): ThinkingTime {
  const endsAt = performance.now() + THINKING_MS;
  return { remainingMs: () => Math.max(0, endsAt - performance.now()) };
}

/** The time that one call may take: whole, since `AbortSignal.timeout` takes no other. */
export function callTimeMs(thinking: ThinkingTime): number {
  return Math.floor(Math.min(CALL_MS, thinking.remainingMs()));
}

/**
 * Asks a chat model something small while somebody waits for an answer: whatever goes wrong, `text` is null and the
 * call says why. With an open circuit that is at once.
 * @throws the reason of `signal`
 */
export async function askModel(
  ctx: Pick<Context, 'chatModel' | 'log'>,
  question: ModelQuestion,
  thinking: ThinkingTime,
  signal: AbortSignal,
): Promise<{ text: string | null; call: ModelCall }> {
  const { step, model, system, user } = question;
  const startedAt = performance.now();
  const deadline = AbortSignal.timeout(callTimeMs(thinking));
  const usage = { inputTokens: 0, outputTokens: 0 };
  let text: string | null = '';
  let failure: ModelCall['failure'] = null;
  try {
    const stream = ctx.chatModel.stream(
      {
        model,
        messages: [
          { role: 'system', content: system },
          { role: 'user', content: user },
        ],
        question: user,
        passages: [],
        language: 'und',
        temperature: null,
        maxOutputTokens: MAX_OUTPUT_TOKENS,
      },
      AbortSignal.any([signal, deadline]),
    );
    for await (const event of stream) {
      if (event.type === 'delta') text += event.text;
      else {
        usage.inputTokens = event.usage.inputTokens ?? 0;
        usage.outputTokens = event.usage.outputTokens ?? 0;
        if (event.reason !== 'stop') failure = 'unusable';
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    failure = failureOf(error, deadline);
  }
  if (failure === null && text.trim() === '') failure = 'unusable';
  if (failure !== null) {
    ctx.log.info({ step, failure }, 'a model was not of help with a question');
    text = null;
  }
  const milliseconds = Math.round(performance.now() - startedAt);
  const cost = messageCost(model, usage.inputTokens, usage.outputTokens);
  return { text, call: { step, model, ...usage, cost, milliseconds, failure } };
}

/** @throws what is no failure of an endpoint */
export function failureOf(error: unknown, deadline: AbortSignal): NonNullable<ModelCall['failure']> {
  if (deadline.aborted) return 'deadline';
  if (error instanceof ModelError) return error.kind;
  throw error;
}
