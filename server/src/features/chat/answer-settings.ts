import { z } from 'zod';
import { withoutUndefined } from '#kernel/without-undefined.js';
import { updateProjectBody } from '#features/projects/projects.schemas.js';
import type { ChatProject } from './chat.queries.js';

const ofProject = updateProjectBody.shape;

/** What may differ from a project's own settings for one answer: what is not named stays. */
export const answerSettingsSchema = z.strictObject({
  model: ofProject.defaultModel,
  topK: ofProject.topK,
  minScore: ofProject.minScore,
  retrieval: ofProject.retrieval,
  retrievalOptions: ofProject.retrievalOptions,
  answerOptions: ofProject.answerOptions,
  temperature: ofProject.temperature,
  systemPrompt: ofProject.systemPrompt,
});

export type AnswerSettings = z.infer<typeof answerSettingsSchema>;

/** The project as it would be with these settings. */
export function withSettings(project: ChatProject, settings: AnswerSettings): ChatProject {
  const { model, retrievalOptions = {}, answerOptions = {}, ...named } = settings;
  return {
    ...project,
    ...withoutUndefined(named),
    defaultModel: model ?? project.defaultModel,
    retrievalOptions: { ...project.retrievalOptions, ...withoutUndefined(retrievalOptions) },
    answerOptions: { ...project.answerOptions, ...withoutUndefined(answerOptions) },
  };
}
