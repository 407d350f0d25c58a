import { ModelError } from '#kernel/model-error.js';
import type { Context } from '#platform/context.js';
import type { ChatModelEvent } from '#platform/ports/chat-model.js';
import type { AnswerDraft } from './draft-answer.js';
import type { TurnRecord } from './turn-record.js';

export interface DraftEnd {
  status: 'complete' | 'incomplete';
  failure: ModelError | null;
  isBlocked: boolean;
  inputTokens: number;
  outputTokens: number;
}

/** Runs the model's stream through the draft. A failure before the first word is a complete, empty draft. */
export async function* writeDraft(
  ctx: Pick<Context, 'log'>,
  stream: AsyncIterable<ChatModelEvent>,
  draft: AnswerDraft,
  record: Pick<TurnRecord, 'timings'>,
  signal: AbortSignal,
): AsyncGenerator<{ type: 'delta'; text: string }, DraftEnd> {
  const end: DraftEnd = {
    status: 'incomplete',
    failure: null,
    isBlocked: false,
    inputTokens: 0,
    outputTokens: 0,
  };
  const startedAt = performance.now();
  const note = (step: string) =>
    void record.timings.push({ step, milliseconds: Math.round(performance.now() - startedAt) });
  let hasText = false;
  try {
    for await (const event of stream) {
      if (event.type === 'delta' && !hasText) {
        hasText = true;
        note('first_token');
      }
      if (event.type === 'finish') {
        end.status = event.reason === 'length' ? 'incomplete' : 'complete';
        end.isBlocked = event.reason === 'content_filter';
        end.inputTokens = event.usage.inputTokens ?? 0;
        end.outputTokens = event.usage.outputTokens ?? 0;
        continue;
      }
      const text = draft.push(event.text);
      if (text !== '') yield { type: 'delta', text };
    }
  } catch (error) {
    if (signal.aborted) end.status = 'incomplete';
    else if (error instanceof ModelError) end.failure = error;
    else throw error;
  }
  note('answer');
  const rest = draft.end(end.status === 'complete');
  if (rest !== '') yield { type: 'delta', text: rest };
  if (end.failure !== null) {
    ctx.log.warn({ err: end.failure, kind: end.failure.kind }, 'the chat model failed');
    end.status = 'incomplete';
  }
  return end;
}
