import { z } from 'zod';
import { idSchema, instantSchema, listQuery, nameSchema, text } from '#platform/http/schemas.js';

const MAX_DESCRIPTION_LENGTH = 2_000;
const MAX_SYSTEM_PROMPT_LENGTH = 20_000;
const MAX_MESSAGE_LENGTH = 2_000;
const MAX_MODEL_NAME_LENGTH = 200;
const MAX_ORIGINS = 100;
const MAX_SUGGESTED_QUESTIONS = 10;
const MAX_TOP_K = 50;

const originSchema = text({ max: 300 }).refine(
  (value) =>
    URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).origin === value,
  'must be an origin such as https://www.example.com, without a path',
);

const modelFallbackSchema = z.enum(['extractive', 'refusal']).meta({
  description:
    'While the chat model cannot be reached: answer with sentences of the sources, or with the refusal `unavailable`.',
});

/** How passages are found. */
const retrievalOptionsShape = {
  fusion: z.enum(['convex', 'rrf']).meta({
    description:
      'How the ranks by words and by meaning become one: by weighted scores, or by reciprocal ranks.',
  }),
  semanticWeight: z.number().min(0).max(1).meta({ description: 'Weight of meaning against words.' }),
  followUps: z.enum(['auto', 'rules', 'off']).meta({
    description:
      'Questions that lean on earlier ones are rewritten: by the mini model where there is one, or by rules.',
  }),
  expansion: z.enum(['off', 'multi_query', 'hyde']).meta({
    description: 'Searches for other wordings too, or for an imagined answer. Needs a model; costs a call.',
  }),
  rerank: z.enum(['off', 'endpoint', 'model']).meta({
    description: 'Who orders the best candidates anew: nobody, the `/rerank` endpoint, or the mini model.',
  }),
  translate: z.enum(['auto', 'off']).meta({
    description:
      'Questions in a language that the sources do not have are translated where there is a model.',
  }),
};

/** What is done with what was found and written. */
const answerOptionsShape = {
  unsupported: z.enum(['keep', 'hedge', 'strip']).meta({
    description: 'Sentences that no source is found for: kept, marked as uncertain, or left out.',
  }),
  instructions: z.enum(['report', 'quarantine']).meta({
    description: 'Passages that give orders to a model: reported, or kept out of answers as well.',
  }),
  threshold: z.enum(['default', 'calibrated']).meta({
    description: 'From which score on an answer is given: 0.4, or what the sources themselves ask for.',
  }),
};

const MAX_CONSENT_LENGTH = 2_000;

/** What a visitor is asked for. Its texts are checked where they come in. */
function leadFormOf<Text extends z.ZodType<string>>(consentText: Text) {
  return z.strictObject({
    fields: z
      .array(z.strictObject({ name: z.enum(['email', 'phone', 'name']), isRequired: z.boolean() }))
      .min(1)
      .max(3)
      .refine(
        (fields) => new Set(fields.map(({ name }) => name)).size === fields.length,
        'must name each field once',
      ),
    consentText: consentText
      .nullable()
      .meta({ description: 'What the visitor agrees to, as it is shown. Null: no consent is asked for.' }),
  });
}

const MAX_RETENTION_DAYS = 3_650;
const retentionDaysSchema = z
  .int()
  .min(1)
  .max(MAX_RETENTION_DAYS)
  .nullable()
  .meta({ description: 'Days after which what visitors left is deleted. Null: never.' });

/** For one class of data: null as `retentionDays` says. */
const retentionShape = {
  conversations: retentionDaysSchema,
  leads: retentionDaysSchema,
  traces: retentionDaysSchema,
};
const redactPersonalDataSchema = z.boolean().meta({
  description:
    'E-mail addresses, telephone and card numbers in questions are replaced by `[email]`, `[phone]` and `[card]` before they are stored or shown to a model.',
});

const settings = {
  description: text({ max: MAX_DESCRIPTION_LENGTH }).nullable(),
  isPublic: z.boolean(),
  allowedOrigins: z.array(originSchema).max(MAX_ORIGINS),
  systemPrompt: text({ max: MAX_SYSTEM_PROMPT_LENGTH }).nullable(),
  modelMini: text({ min: 1, max: MAX_MODEL_NAME_LENGTH }).nullable(),
  modelPremium: text({ min: 1, max: MAX_MODEL_NAME_LENGTH }).nullable(),
  defaultModel: z.enum(['mini', 'premium']),
  temperature: z.number().min(0).max(2).nullable(),
  topK: z.int().min(1).max(MAX_TOP_K),
  minScore: z.number().min(0).max(1).nullable(),
  retrieval: z.enum(['hybrid', 'semantic', 'keyword']),
  fallbackMessage: text({ min: 1, max: MAX_MESSAGE_LENGTH }),
  modelFallback: modelFallbackSchema,
  welcomeMessage: text({ max: MAX_MESSAGE_LENGTH }).nullable(),
  suggestedQuestions: z.array(text({ min: 1, max: 300 })).max(MAX_SUGGESTED_QUESTIONS),
  language: z
    .string()
    .regex(/^[a-z]{2}$/, 'must be an ISO 639-1 code such as en')
    .nullable(),
  retrievalOptions: z.strictObject(retrievalOptionsShape).partial(),
  answerOptions: z.strictObject(answerOptionsShape).partial(),
  retentionDays: retentionDaysSchema,
  retention: z.strictObject(retentionShape).partial(),
  redactPersonalData: redactPersonalDataSchema,
  leadForm: leadFormOf(text({ min: 1, max: MAX_CONSENT_LENGTH })).nullable(),
};

export const createProjectBody = z
  .strictObject({ name: nameSchema, ...z.strictObject(settings).partial().shape })
  .meta({ id: 'CreateProject' });

export const updateProjectBody = z
  .strictObject({ name: nameSchema, ...settings })
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'must change at least one setting')
  .meta({ id: 'UpdateProject' });

export type CreateProjectInput = z.infer<typeof createProjectBody>;
export type UpdateProjectInput = z.infer<typeof updateProjectBody>;

export const projectSchema = z
  .object({
    id: idSchema,
    ownerId: idSchema,
    name: z.string(),
    plan: z.enum(['free', 'pro', 'enterprise']),
    description: z.string().nullable(),
    isPublic: z.boolean(),
    allowedOrigins: z.array(z.string()),
    systemPrompt: z.string().nullable(),
    modelMini: z.string().nullable(),
    modelPremium: z.string().nullable(),
    defaultModel: z.enum(['mini', 'premium']),
    temperature: z.number().nullable(),
    topK: z.int(),
    minScore: z.number().nullable(),
    retrieval: z.enum(['hybrid', 'semantic', 'keyword']),
    fallbackMessage: z.string(),
    modelFallback: modelFallbackSchema,
    welcomeMessage: z.string().nullable(),
    suggestedQuestions: z.array(z.string()),
    language: z.string().nullable(),
    retrievalOptions: z.object(retrievalOptionsShape),
    answerOptions: z.object(answerOptionsShape),
    retentionDays: retentionDaysSchema,
    retention: z.object(retentionShape),
    redactPersonalData: redactPersonalDataSchema,
    leadForm: leadFormOf(z.string()).nullable().meta({
      description: 'What visitors are asked for. Null: no form is shown; leads are taken all the same.',
    }),
    calibratedScore: z.number().nullable().meta({
      description:
        'From which score on the sources answer a question, as measured where `answerOptions.threshold` is `calibrated`. Null: not measured.',
    }),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'Project' });

export const listProjectsQuery = z.object(listQuery);
