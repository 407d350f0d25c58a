import { z } from 'zod';
import { idSchema, instantSchema, listQuery, nameSchema, text } from '#platform/http/schemas.js';

export const MAX_TEST_SETS = 100;
export const MAX_TEST_CASES = 1_000;
const MAX_QUESTION_LENGTH = 8_000;
const MAX_EXPECTED_LENGTH = 2_000;

export const testSetBody = z.strictObject({ name: nameSchema }).meta({ id: 'WriteTestSet' });

export const testSetSchema = z
  .object({
    id: idSchema,
    projectId: idSchema,
    name: z.string(),
    caseCount: z.int(),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'TestSet' });

const notBlank = (value: string) => value.trim() !== '';

const caseFields = {
  question: text({ max: MAX_QUESTION_LENGTH }).refine(notBlank, 'must not be empty'),
  expectation: z.enum(['answer', 'refuse']).meta({
    description: '`refuse`: the sources do not answer the question, and the bot must say so.',
  }),
  expectedSourceId: idSchema
    .nullable()
    .optional()
    .meta({ description: 'The source that must be found and cited.' }),
  expectedText: text({ max: MAX_EXPECTED_LENGTH })
    .refine(notBlank, 'must not be empty')
    .nullable()
    .optional()
    .meta({
      description:
        'A text that a passage found must hold, whatever its case and white space; it must be cited.',
    }),
};

/** One case as it is written: by hand, or as a row of a file. */
export const testCaseBody = z.strictObject(caseFields);

export const addTestCasesBody = z
  .strictObject({ cases: z.array(testCaseBody).min(1).max(MAX_TEST_CASES) })
  .meta({ id: 'AddTestCases' });

export const updateTestCaseBody = z
  .strictObject(caseFields)
  .partial()
  .refine((changes) => Object.keys(changes).length > 0, 'must change something')
  .meta({ id: 'UpdateTestCase' });

export const fromFeedbackBody = z
  .strictObject({
    since: z.iso.datetime().optional().meta({ description: 'Takes only answers rated down from then on.' }),
  })
  .meta({ id: 'TestCasesFromFeedback' });

export type TestCaseInput = z.infer<typeof testCaseBody>;
export type UpdateTestCaseInput = z.infer<typeof updateTestCaseBody>;

export const testCaseSchema = z
  .object({
    id: idSchema,
    testSetId: idSchema,
    question: z.string(),
    expectation: z.enum(['answer', 'refuse']),
    expectedSourceId: idSchema.nullable(),
    expectedText: z.string().nullable(),
    origin: z.enum(['manual', 'csv', 'feedback']),
    messageId: idSchema.nullable().meta({
      description: 'The answer that was rated down; what was said before it is taken into account.',
    }),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .meta({ id: 'TestCase' });

export const addedTestCasesSchema = z
  .object({ added: z.int(), data: z.array(testCaseSchema) })
  .meta({ id: 'AddedTestCases' });

export const listTestSetsQuery = z.object(listQuery);
