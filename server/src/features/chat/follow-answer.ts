import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '#kernel/app-error.js';
import type { Context } from '#platform/context.js';
import { expectedError } from '#platform/http/expected-error.js';
import { problemOf } from '#platform/http/problem.js';
import type { StreamEvent } from '#platform/ports/live-streams.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { chatAnswerOf, replayEvents } from './answer-stream.js';
import { type MessageRow, findMessage } from './chat.queries.js';
import { LONGEST_TURN_MS } from '#features/usage/reserve-message.js';

const LOOK_EVERY_MS = 1_000;
/** By then every answer has ended, whatever became of its process. */
const GIVE_UP_AFTER_MS = LONGEST_TURN_MS + 60_000;

/**
 * The events of an answer in the making after the event `afterSequence`: live where the process that writes it can be
 * reached, else from the stored message once that has ended. The last one is `done` or `error`, always.
 */
export async function* followAnswer(
  ctx: Pick<Context, 'db' | 'config' | 'streams'>,
  scope: ProjectScope,
  answer: { messageId: string; afterSequence: number; requestId: string },
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> {
  const givesUpAt = performance.now() + GIVE_UP_AFTER_MS;
  let seen = answer.afterSequence;
  while (!signal.aborted) {
    for await (const event of (await ctx.streams.read(answer.messageId, seen, signal)) ?? []) {
      yield event;
      seen = event.sequence;
      if (isEnd(event)) return;
    }
    if (signal.aborted) return;
    const stored = await findStored(ctx, scope, answer.messageId);
    const isPending =
      stored instanceof Error
        ? stored instanceof AppError && stored.code === 'unavailable'
        : stored.status === 'streaming';
    if (!isPending || performance.now() > givesUpAt) {
      yield* lastEvents(ctx, stored, seen, answer.requestId);
      return;
    }
    await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

function isEnd({ name }: StreamEvent): boolean {
  return name === 'done' || name === 'error';
}

/** The failure is a value: who follows an answer waits until the database is back. */
function findStored(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  messageId: string,
): Promise<MessageRow | Error> {
  return readInProject(ctx, scope, (tx) => findMessage(tx.db, scope, messageId)).catch(expectedError);
}

/** A reader that has seen more than is stored gets an `error`: the process died and took the rest with it. */
function lastEvents(
  ctx: Pick<Context, 'config'>,
  stored: MessageRow | Error,
  seen: number,
  requestId: string,
): StreamEvent[] {
  const isEnded = !(stored instanceof Error) && stored.status !== 'streaming';
  const rest = isEnded ? [...replayEvents(chatAnswerOf(ctx, stored), seen)] : [];
  if (rest.length > 0) return rest;
  const error =
    stored instanceof Error ? stored : new AppError('unavailable', 'The answer broke off. Please ask again.');
  return [{ sequence: seen + 1, name: 'error', data: problemOf(error, requestId) }];
}
