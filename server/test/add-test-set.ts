import type { TestApp } from './create-test-app.js';

/** Adds a test set with a case and a complete run. @param of `text` stands in its name, its question and what it expects */
export async function addTestSet(
  app: TestApp,
  token: string,
  of: { projectId: string; text: string },
): Promise<{ testSetId: string; caseId: string; runId: string }> {
  const base = `/v1/projects/${of.projectId}/test-sets`;
  const testSet = await app.request('POST', base, { token, body: { name: `Set ${of.text}` } });
  const testSetId: string = testSet.body.id;
  const question = `What about ${of.text}?`;
  const cases = await app.request('POST', `${base}/${testSetId}/cases`, {
    token,
    body: { cases: [{ question, expectation: 'answer', expectedText: of.text }] },
  });
  const run = await app.request('POST', `${base}/${testSetId}/runs`, { token });
  await app.runJobs();
  return { testSetId, caseId: cases.body.data[0].id, runId: run.body.id };
}
