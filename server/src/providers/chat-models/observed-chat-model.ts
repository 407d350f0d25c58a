import type { Metrics } from '#platform/metrics.js';
import type { ChatModel, ChatModelEvent, ChatModelRequest } from '#platform/ports/chat-model.js';
import { type OpenSpan, failureOf, openSpan } from '#platform/tracing.js';

/** Measures and traces each answer of a chat model. */
export function observeChatModel(model: ChatModel, metrics: Metrics): ChatModel {
  return { ...model, stream: (request, signal) => observeStream(model, metrics, request, signal) };
}

async function* observeStream(
  model: ChatModel,
  metrics: Metrics,
  request: ChatModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ChatModelEvent> {
  const label = metrics.modelLabel(request.model);
  // Attributes by the semantic conventions of OpenTelemetry for generative AI.
  const span = openSpan({
    name: `chat ${label}`,
    kind: 'client',
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': label },
  });
  const startedAt = performance.now();
  const events = span.run(() => model.stream(request, signal)[Symbol.asyncIterator]());
  let outcome = 'aborted';
  let hasText = false;
  try {
    for (;;) {
      // A generator runs in the context of whoever asks it for more.
      const { done, value: event } = await span.run(() => events.next());
      if (done === true) break;
      if (event.type === 'finish') {
        outcome = 'ok';
        tellUsage(span, event.usage);
      } else if (!hasText) {
        hasText = true;
        metrics.firstTokenSeconds.observe({ model: label }, secondsSince(startedAt));
      }
      yield event;
    }
  } catch (error) {
    outcome = signal.aborted ? 'aborted' : failureOf(error);
    throw error;
  } finally {
    // Also for a reader that leaves in mid-stream: then there is more to come, and it is not wanted.
    await events.return?.();
    const endpoint = 'chat';
    metrics.modelSeconds.observe({ endpoint, model: label, outcome }, secondsSince(startedAt));
    span.end(outcome === 'ok' || outcome === 'aborted' ? null : outcome);
  }
}

function tellUsage(span: OpenSpan, usage: { inputTokens: number | null; outputTokens: number | null }): void {
  const { inputTokens, outputTokens } = usage;
  if (inputTokens !== null) span.set({ 'gen_ai.usage.input_tokens': inputTokens });
  if (outputTokens !== null) span.set({ 'gen_ai.usage.output_tokens': outputTokens });
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000;
}
