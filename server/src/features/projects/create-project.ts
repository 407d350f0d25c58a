import { newId } from '#kernel/ids.js';
import { withoutUndefined } from '#kernel/without-undefined.js';
import type { Context } from '#platform/context.js';
import { embeddingModelKey } from '#platform/embedding-model.js';
import type { UserCaller } from '#platform/scope.js';
import { inTransaction } from '#platform/transaction.js';
import { recordAudit } from '#features/audit/record-audit.js';
import { limitChatbots } from '#features/usage/limit-chatbots.js';
import { usageLimitError } from '#features/usage/usage-limit.js';
import { type ProjectRow, insertProject } from './projects.queries.js';
import type { CreateProjectInput } from './projects.schemas.js';

const DEFAULT_FALLBACK_MESSAGE =
  'I could not find an answer to that in my sources. Could you put it in other words, or ask something else?';

/** Makes a project whose owner and first member is the caller. @throws AppError `usage_limit_exceeded` */
export function createProject(
  ctx: Pick<Context, 'db' | 'clock' | 'embedder' | 'afterCommit'>,
  caller: UserCaller,
  input: CreateProjectInput,
): Promise<ProjectRow> {
  return inTransaction(ctx, async (tx) => {
    const project = await insertProject(tx.db, {
      fallbackMessage: DEFAULT_FALLBACK_MESSAGE,
      ...withoutUndefined(input),
      retrievalOptions: withoutUndefined(input.retrievalOptions ?? {}),
      answerOptions: withoutUndefined(input.answerOptions ?? {}),
      retention: withoutUndefined(input.retention ?? {}),
      id: newId(),
      name: input.name,
      ownerId: caller.actor.userId,
      embeddingModel: ctx.embedder === null ? null : embeddingModelKey(ctx.embedder),
    });
    await recordAudit(tx, caller, {
      projectId: project.id,
      action: 'project.create',
      resourceType: 'project',
      resourceId: project.id,
      changes: { name: project.name },
    });
    const reached = await limitChatbots(tx, project.ownerId);
    if (reached !== null) throw usageLimitError(reached, tx.clock.now());
    return project;
  });
}
