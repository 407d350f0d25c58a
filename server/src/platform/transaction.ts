import { PgTransaction } from 'drizzle-orm/pg-core';
import type { Context } from './context.js';
import { isEmbedded, runForTenant, runInsideTransaction } from './database.js';
import type { ProjectScope } from './scope.js';
import { isSerializationFailure } from './database-errors.js';

type TransactionContext = Pick<Context, 'db' | 'afterCommit'>;

const MAX_TRIES = 3;

/**
 * Runs `act` in a transaction with a context whose `db` is the transaction and whose `afterCommit` collects:
 * tasks run after the outermost commit only. Inside a transaction it makes a savepoint. A deadlock or
 * serialization failure is tried again, so `act` has no effects but SQL and `afterCommit`.
 */
export async function inTransaction<C extends TransactionContext, T>(
  ctx: C,
  act: (tx: C) => Promise<T>,
): Promise<T> {
  const isNested = ctx.db instanceof PgTransaction;
  for (let tries = 1; ; tries += 1) {
    const tasks: (() => void)[] = [];
    const afterCommit = (task: () => void) => void tasks.push(task);
    let result: T;
    try {
      result = await ctx.db.transaction((db) => runInsideTransaction(() => act({ ...ctx, db, afterCommit })));
    } catch (error) {
      // A savepoint keeps the snapshot and the locks that were in the way: only the whole can be tried again.
      if (isNested || tries >= MAX_TRIES || !isSerializationFailure(error)) throw error;
      continue;
    }
    // A savepoint's tasks wait on with those of the transaction around it; those of a rolled-back one are gone.
    for (const task of tasks) ctx.afterCommit(task);
    return result;
  }
}

/**
 * `inTransaction` for acts within one project. On a server that can do it, row-level security shows the transaction the
 * rows of that project alone, also where a query has forgotten its scope.
 */
export function inProjectTransaction<C extends TransactionContext, T>(
  ctx: C,
  scope: Pick<ProjectScope, 'projectId'>,
  act: (tx: C) => Promise<T>,
): Promise<T> {
  return runForTenant(scope.projectId, () => inTransaction(ctx, act));
}

/** `inTransaction` for what a job does: in its project, where it is of one. */
export function inJobTransaction<C extends TransactionContext, T>(
  ctx: C,
  { projectId }: { projectId: string | null },
  act: (tx: C) => Promise<T>,
): Promise<T> {
  return projectId === null ? inTransaction(ctx, act) : inProjectTransaction(ctx, { projectId }, act);
}

/**
 * Runs statements that read one project and change nothing, under row-level security as `inProjectTransaction` does: in
 * one transaction, or in the one that there is. It needs a connection for as long as it runs, so no more happens in it
 * than reading. The embedded database has no row-level security: there they run one by one.
 * @param isolation what all of the statements see; unset: each what is committed when it starts
 */
export async function readInProject<C extends Pick<Context, 'db'>, T>(
  ctx: C,
  scope: Pick<ProjectScope, 'projectId'>,
  read: (tx: C) => Promise<T>,
  isolation: 'read committed' | 'repeatable read' = 'read committed',
): Promise<T> {
  if (ctx.db instanceof PgTransaction) return read(ctx);
  // Its only connection would go on to the next who waits for it after several messages, and not after each.
  if (isEmbedded(ctx.db) && isolation === 'read committed')
    // A query begins when it is awaited, which has to be in here.
    return runForTenant(scope.projectId, async () => {
      const result = await read(ctx);
      return result;
    });
  const config = { isolationLevel: isolation, accessMode: 'read only' } as const;
  return runForTenant(scope.projectId, () =>
    ctx.db.transaction((db) => runInsideTransaction(() => read({ ...ctx, db })), config),
  );
}
