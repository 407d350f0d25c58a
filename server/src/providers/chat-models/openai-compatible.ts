import type { ChatModel, ChatModelEvent, ChatModelRequest } from '#platform/ports/chat-model.js';
import {
  type EndpointPolicy,
  type EndpointPolicyOptions,
  createEndpointPolicy,
} from '#providers/resilience/endpoint-policy.js';

import { type CompletionEndpoint, type CompletionPart, streamCompletion } from './completion-stream.js';
import { type Deadline, startDeadline } from './deadline.js';

export interface OpenAICompatibleChatModelOptions extends CompletionEndpoint {
  defaultModels: { mini: string; premium: string };
  /** For all tries and the waits between them. */
  firstTokenTimeoutMs: number;
  betweenTokensTimeoutMs: number;
  totalTimeoutMs: number;
  resilience?: Omit<EndpointPolicyOptions, 'name'>;
}

/**
 * A chat model behind any endpoint that speaks the chat completions wire of OpenAI. Until the first token it asks
 * again, as the policy of the endpoint allows; an answer that has begun is never asked for again. Messages of its
 * errors hold no text of the prompt, the answer or the key.
 */
export function createOpenAICompatibleChatModel(options: OpenAICompatibleChatModelOptions): ChatModel {
  const policy = createEndpointPolicy({ name: 'chat', ...options.resilience });
  return {
    isBuiltin: false,
    endpoint: policy,
    defaultModels: options.defaultModels,
    stream: (request, signal) => streamAnswer(policy, options, request, signal),
  };
}

async function* streamAnswer(
  policy: EndpointPolicy,
  options: OpenAICompatibleChatModelOptions,
  request: ChatModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ChatModelEvent, void, undefined> {
  signal.throwIfAborted();
  const deadline = startDeadline(signal, options.totalTimeoutMs, 'no complete answer');
  try {
    deadline.startStep(options.firstTokenTimeoutMs, 'no first token');
    const started = await policy.start(() => beginAnswer(options, request, deadline.signal), {
      signal: deadline.signal,
      remainingMs: () => deadline.remainingMs(),
      isPatient: false,
    });
    // Whatever ends the generator without an error of the endpoint: the reader has left.
    let end: unknown = READER_LEFT;
    try {
      yield* passOn(started.value, deadline, options.betweenTokensTimeoutMs);
      end = null;
    } catch (error) {
      end = error;
      throw error;
    } finally {
      await started.end(end);
    }
  } finally {
    deadline.close();
  }
}

const READER_LEFT = Symbol('the reader left');

interface BegunAnswer {
  first: CompletionPart;
  rest: AsyncGenerator<CompletionPart, void, undefined>;
}

/** Asks once, and waits for the first sign that the model is at work. */
async function beginAnswer(
  endpoint: CompletionEndpoint,
  request: ChatModelRequest,
  signal: AbortSignal,
): Promise<BegunAnswer> {
  const rest = streamCompletion(endpoint, request, signal);
  const first = await nextPart(rest, signal);
  return { first, rest };
}

async function* passOn(
  { first, rest }: BegunAnswer,
  deadline: Deadline,
  betweenTokensTimeoutMs: number,
): AsyncGenerator<ChatModelEvent, void, undefined> {
  try {
    let part = first;
    while (part.type !== 'finish') {
      // No limit runs while the consumer is busy with the token: a slow reader is not a slow model.
      deadline.endStep();
      if (part.type === 'delta') yield part;
      deadline.startStep(betweenTokensTimeoutMs, 'no further token');
      part = await nextPart(rest, deadline.signal);
    }
    deadline.endStep();
    yield part;
  } finally {
    await rest.return();
  }
}

async function nextPart(parts: BegunAnswer['rest'], signal: AbortSignal): Promise<CompletionPart> {
  try {
    const { value } = await parts.next();
    if (value === undefined) throw new Error('a completion ended without its finish');
    return value;
  } catch (error) {
    // Whatever an abort looks like by the time it comes out of the connection, the signal knows why.
    throw signal.aborted ? signal.reason : error;
  }
}
