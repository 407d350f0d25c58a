import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '#platform/context.js';
import type { StreamEvent } from '#platform/ports/live-streams.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { presentSource } from './present-source.js';
import { type SourceRow, findSource, listWatchedSources } from './sources.queries.js';

const LOOK_EVERY_MS = 400;

export interface SourceWatcher {
  /**
   * The source whenever it has changed, until its indexing has ended, it is deleted or `signal` fires.
   * @throws AppError `not_found` at the first step alone
   */
  watch: (scope: ProjectScope, sourceId: string, signal: AbortSignal) => AsyncGenerator<StreamEvent>;
}

interface Watched {
  projectId: string;
  readers: number;
  /** As it was at the last look; null: deleted. */
  row: SourceRow | null;
}

/** Looks at all sources that somebody follows in this process with one statement, however many follow them. */
export function createSourceWatcher(ctx: Pick<Context, 'db' | 'log'>): SourceWatcher {
  const watched = new Map<string, Watched>();
  let look: Promise<void> | null = null;
  const nextLook = () => {
    look ??= lookAtAll(ctx, watched).finally(() => (look = null));
    return look;
  };

  return {
    watch: async function* (scope, sourceId, signal) {
      const row = await readInProject(ctx, scope, (tx) => findSource(tx.db, scope, sourceId));
      const entry = watched.get(sourceId) ?? { projectId: scope.projectId, readers: 0, row };
      entry.row = row;
      entry.readers += 1;
      watched.set(sourceId, entry);
      let last = '';
      try {
        for (let sequence = 1; !signal.aborted && entry.row !== null;) {
          const source = presentSource(entry.row);
          const state = JSON.stringify(source);
          if (state !== last) yield { sequence: sequence++, name: 'source', data: source };
          last = state;
          if (source.status !== 'queued' && source.status !== 'processing') return;
          // Who has left is noticed at the next look: to wait for both would keep a trace of every look.
          await nextLook();
        }
      } finally {
        entry.readers -= 1;
        if (entry.readers === 0) watched.delete(sourceId);
      }
    },
  };
}

async function lookAtAll(ctx: Pick<Context, 'db' | 'log'>, watched: Map<string, Watched>): Promise<void> {
  await pause(LOOK_EVERY_MS);
  try {
    // Those who come while it looks are looked at the next time.
    const entries = [...watched];
    const rows = await listWatchedSources(
      ctx.db,
      entries.map(([sourceId]) => sourceId),
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    for (const [sourceId, entry] of entries) {
      const row = byId.get(sourceId) ?? null;
      entry.row = row?.projectId === entry.projectId ? row : null;
    }
  } catch (error) {
    ctx.log.warn({ err: error }, 'the followed sources could not be looked at');
  }
}
