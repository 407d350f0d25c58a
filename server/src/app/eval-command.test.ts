import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { type EvalOptions, evaluateForCommand, parseEvalOptions } from './eval-command.js';

const ID = '01900000-0000-7000-8000-000000000000';

describe('the arguments of eval', () => {
  const parse = (...args: string[]) => parseEvalOptions(args);

  it('are a project, a test set, and figures to reach', () => {
    expect(
      parse('--project', ID, `--test-set=${ID}`, '--fail-under', 'hitRate=0.9, refusalAccuracy=.8'),
    ).toEqual({ projectId: ID, testSetId: ID, failUnder: { hitRate: 0.9, refusalAccuracy: 0.8 } });
    expect(parse('--project', ID, '--test-set', ID).failUnder).toEqual({});
  });

  it.each([
    [[], '--project must be the id'],
    [['--project', 'x', '--test-set', ID], '--project must be the id'],
    [['--project', ID], '--test-set must be the id'],
    [['--project', ID, '--test-set', ID, '--fail-under', 'hitrate=0.9'], 'one of the figures passRate'],
    [['--project', ID, '--test-set', ID, '--fail-under', 'hitRate=90'], '"hitRate=90" must be'],
    [['--project', ID, '--test-set', ID, '--fail-under', 'hitRate'], '"hitRate" must be'],
    [['--project', ID, '--test-set', ID, '--loud'], "Unknown option '--loud'"],
    [['--project', ID, '--test-set', ID, 'more'], "Unexpected argument 'more'"],
  ])('are refused as %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
    expect(() => parse(...args)).toThrow('Usage: eval --project');
  });
});

describe('eval', () => {
  let app: TestApp;
  let token: string;
  let options: Pick<EvalOptions, 'projectId' | 'testSetId'>;

  beforeAll(async () => {
    app = await createTestApp();
    ({ token } = await app.register());
    const projectId = await app.createProject(token);
    const text = 'A parcel within the country costs €4.90. The office dog is called Biscuit.';
    await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text });
    const base = `/v1/projects/${projectId}/test-sets`;
    const made = await app.request('POST', base, { token, body: { name: 'Shop' } });
    options = { projectId, testSetId: made.body.id };
  });
  afterAll(() => app.close());

  it('says of an empty set, and of one of another project, what is wrong', async () => {
    const evaluate = (of: object) => evaluateForCommand(app.ctx, { ...options, failUnder: {}, ...of });
    await expect(evaluate({})).rejects.toThrow('The test set has no cases yet.');
    await expect(evaluate({ projectId: ID })).rejects.toThrow('There is no such test set.');
  });

  it('prints the figures, those under what was asked for, and the cases that came out otherwise', async () => {
    const { projectId, testSetId } = options;
    const cases = [
      { question: 'What does a parcel cost?', expectation: 'answer', expectedText: '€4.90' },
      { question: 'What is the office dog called?', expectation: 'refuse' },
      { question: 'Who won the chess championship in Reykjavik?', expectation: 'answer' },
    ];
    const path = `/v1/projects/${projectId}/test-sets/${testSetId}/cases`;
    expect((await app.request('POST', path, { token, body: { cases } })).body.added).toBe(3);
    const failUnder = { hitRate: 1, passRate: 0.5 };
    const { text, isUnder } = await evaluateForCommand(app.ctx, { ...options, failUnder });
    expect(isUnder).toBe(true);
    expect(text.replace(/\d+ ms/g, '9 ms')).toBe(`\
Shop: 3 cases

Figure                                        Value  At least
--------------------------------------------------------------------
passRate: came out as expected                0.333     0.500  UNDER
hitRate: what was expected is found           1.000     1.000  ok
mrr: and how far up                           1.000
citationPrecision: citations of it            1.000
refusalAccuracy: answered or refused rightly  0.333
answeredShare                                 0.667
falseAcceptRate: answered though to refuse    1.000

2 answered, 1 refused, 0 failed; 0 USD; 9 ms an answer, 95 of 100 within 9 ms

Not as expected:
  What is the office dog called?
    answered where a refusal was expected
  Who won the chess championship in Reykjavik?
    refused (no_match) where an answer was expected
`);
    const reached = await evaluateForCommand(app.ctx, { ...options, failUnder: { hitRate: 1 } });
    expect(reached.isUnder).toBe(false);
  });
});
