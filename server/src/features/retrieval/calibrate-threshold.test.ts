import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { calibrateChangedProjects } from './calibrate-threshold.js';

const TOWNS =
  'Aachen Bonn Celle Dessau Emden Fulda Gera Hamm Ilmenau Jena Kassel Lemgo ' +
  'Mainz Neuss Olpe Passau Rheine Siegen Trier Ulm Velbert Weimar Xanten Zwickau';

describe('the threshold that a project’s own sources ask for', () => {
  let app: TestApp;
  let token: string;
  let projectId: string;
  const project = async () => (await app.request('GET', `/v1/projects/${projectId}`, { token })).body;
  const setThreshold = (threshold: string) =>
    app.request('PATCH', `/v1/projects/${projectId}`, { token, body: { answerOptions: { threshold } } });
  const ask = async (message: string) => {
    const path = `/v1/projects/${projectId}/chat`;
    return (await app.request('POST', path, { token, body: { message } })).body.message.refusal;
  };
  const queued = async () => {
    const count = await calibrateChangedProjects(app.ctx);
    await app.runJobs();
    return count;
  };

  beforeAll(async () => {
    app = await createTestApp();
    ({ token } = await app.register());
    projectId = await app.createProject(token);
    for (const [index, town] of TOWNS.split(' ').entries()) {
      const text = `The branch in ${town} opens at seven. Its famous bakery sells bread number ${index}, baked by master ${town}er.`;
      const body = { type: 'text', name: town, text };
      await app.request('POST', `/v1/projects/${projectId}/sources`, { token, body });
    }
    await app.runJobs();
  });
  afterAll(() => app.close());

  it('is not measured before it is wanted', async () => {
    expect(await queued()).toBe(0);
    expect((await project()).calibratedScore).toBeNull();
  });

  it('is measured when it is wanted, and refuses what other texts answer as well', async () => {
    const near = 'When does the branch in Atlantis open?';
    expect(await ask(near)).toBeNull();
    await setThreshold('calibrated');
    expect(await ask(near)).toBeNull();
    await app.runJobs();
    const { calibratedScore } = await project();
    expect(calibratedScore).toBeGreaterThan(0.5);
    expect(calibratedScore).toBeLessThanOrEqual(0.8);
    expect((await ask(near)).reason).toBe('no_match');
    expect(await ask('When does the branch in Trier open?')).toBeNull();
    await setThreshold('default');
    expect(await ask(near)).toBeNull();
  });

  it('is measured again when the sources have changed, and only then', async () => {
    await setThreshold('calibrated');
    await app.runJobs();
    expect(await queued()).toBe(0);
    const before = (await project()).calibratedScore;
    await app.addSource(token, projectId, {
      type: 'text',
      name: 'More',
      text: 'Wholly unlike anything else.',
    });
    expect(await queued()).toBe(1);
    expect(await queued()).toBe(0);
    expect((await project()).calibratedScore).toBeCloseTo(before, 1);
  });

  it('is none where there is too little to measure', async () => {
    const { body } = await app.request('GET', `/v1/projects/${projectId}/sources?limit=100`, { token });
    for (const { id } of body.data.slice(0, 10)) {
      await app.request('DELETE', `/v1/projects/${projectId}/sources/${id}`, { token });
    }
    expect(await queued()).toBe(1);
    expect((await project()).calibratedScore).toBeNull();
    expect(await ask('When does the branch in Atlantis open?')).toBeNull();
  });
});
