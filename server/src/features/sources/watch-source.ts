import type { Context } from '#platform/context.js';
import type { StreamEvent } from '#platform/ports/live-streams.js';
import type { ProjectScope } from '#platform/scope.js';
import { setTimeout as pause } from 'node:timers/promises';
import { presentSource } from './present-source.js';
import { findSource } from './sources.queries.js';

const LOOK_EVERY_MS = 400;

/** The source whenever it has changed, until its indexing has ended. @throws AppError `not_found` when it is deleted */
export async function* watchSource(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  sourceId: string,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> {
  let last = '';
  for (let sequence = 1; !signal.aborted;) {
    const source = presentSource(await findSource(ctx.db, scope, sourceId));
    const state = JSON.stringify(source);
    if (state !== last) {
      yield { sequence, name: 'source', data: source };
      sequence += 1;
      last = state;
    }
    if (source.status !== 'queued' && source.status !== 'processing') return;
    await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
