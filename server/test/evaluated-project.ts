import { expect } from 'vitest';
import type { TestApp } from './create-test-app.js';

const HANDBOOK = `# Deliveries

Orders placed before 11:00 leave the roastery the same day. A parcel within the country costs €4.90.

# Warranty

The hand grinder H2 has a warranty of two years. The electric grinder E5 has a warranty of five years.`;
const DOG = 'The office dog is called Biscuit. Biscuit sleeps under the desk of Ada.';

/** A project with two sources, of which test sets are made. */
export interface EvaluatedProject {
  base: string;
  token: string;
  handbookId: string;
  dogId: string;
}

export async function fillProject(app: TestApp): Promise<EvaluatedProject> {
  const { token } = await app.register();
  const projectId = await app.createProject(token);
  const add = (name: string, text: string) => app.addSource(token, projectId, { type: 'text', name, text });
  const { id: handbookId } = await add('Handbook', HANDBOOK);
  const { id: dogId } = await add('Dog', DOG);
  return { base: `/v1/projects/${projectId}`, token, handbookId, dogId };
}

export async function newSet(
  app: TestApp,
  { base, token }: EvaluatedProject,
  cases: object[],
): Promise<string> {
  const made = await app.request('POST', `${base}/test-sets`, { token, body: { name: 'Shop' } });
  const path = `${base}/test-sets/${String(made.body.id)}`;
  const added = await app.request('POST', `${path}/cases`, { token, body: { cases } });
  expect(added.status).toBe(201);
  return path;
}

export async function start(
  app: TestApp,
  { token }: EvaluatedProject,
  path: string,
  body?: object,
): Promise<string> {
  const reply = await app.request('POST', `${path}/runs`, { token, body });
  expect(reply.status).toBe(202);
  return `${path}/runs/${String(reply.body.id)}`;
}
