import type { Context } from '#platform/context.js';
import { answerOptionsOf } from '#features/projects/project-options.js';
import type { ChatProject } from './chat.queries.js';
import type { DraftRules } from './draft-answer.js';

/** What a project's answers may do: its own hosts are where its chat stands and where this service is reached. */
export function draftRulesOf(
  ctx: Pick<Context, 'config'>,
  { allowedOrigins, answerOptions, systemPrompt }: ChatProject,
): DraftRules {
  const { publicUrl } = ctx.config.http;
  const own = publicUrl === null ? allowedOrigins : [...allowedOrigins, publicUrl];
  return {
    unsupported: answerOptionsOf(answerOptions).unsupported,
    ownHosts: own.filter((origin) => URL.canParse(origin)).map((origin) => new URL(origin).host),
    systemPrompt,
  };
}
