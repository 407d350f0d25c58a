import { mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '#kernel/ids.js';
import { sourceFolder } from '#features/projects/projects.jobs.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { sweepOrphanedFiles } from './sweep-orphaned-files.js';

const HOUR_MS = 60 * 60_000;
const never = new AbortController().signal;

let app: TestApp;
let projectId: string;
let livingKey: string;

beforeAll(async () => {
  app = await createTestApp();
  const { token } = await app.register();
  projectId = await app.createProject(token);
  const source = await app.addSource(token, projectId, {
    type: 'text',
    name: 'Guide',
    text: 'Cups are blue.',
  });
  livingKey = `${sourceFolder(projectId, source.id)}original`;
});
afterAll(() => app.close());

beforeEach(async () => {
  await rm(join(app.dataDir, 'files'), { recursive: true });
  await store(livingKey, 1000);
});

const pathOf = (key: string) => join(app.dataDir, 'files', key);
const sweep = () => sweepOrphanedFiles(app.ctx, never);

async function store(key: string, ageHours: number): Promise<string> {
  await app.ctx.storage.write(key, Readable.from(['some text']));
  await setAge(key, ageHours);
  return key;
}

async function setAge(key: string, hours: number): Promise<void> {
  const at = new Date(app.clock.now().getTime() - hours * HOUR_MS);
  await utimes(pathOf(key), at, at);
}

async function storedKeys(): Promise<string[]> {
  const keys: string[] = [];
  for (const root of ['projects/', 'health/', 'exports/']) {
    for await (const { key } of app.ctx.storage.list(root)) keys.push(key);
  }
  return keys.toSorted();
}

describe('the sweep of orphaned files', () => {
  it('deletes what is a day old and has no row, and leaves what lives, is young or is not its own', async () => {
    const otherProjectId = newId();
    await store(`${sourceFolder(projectId, newId())}original`, 25);
    await store(`${sourceFolder(otherProjectId, newId())}original`, 25);
    // The id of a living source below another project is not that source.
    await store(livingKey.replace(projectId, otherProjectId), 25);
    const kept = [
      livingKey,
      await store(`${sourceFolder(projectId, newId())}original`, 23),
      await store('health/probe', 1000),
      await store('exports/x', 1000),
      await store(`projects/${projectId}/logo`, 1000),
      await store(`projects/${projectId}/sources/not-an-id/original`, 1000),
    ];
    expect(await sweep()).toBe(3);
    expect(await storedKeys()).toEqual(kept.toSorted());
    expect(await sweep()).toBe(0);
    expect(await storedKeys()).toEqual(kept.toSorted());
  });

  it('waits with a file whose row may come yet, and takes it a day later', async () => {
    const key = await store(`${sourceFolder(projectId, newId())}original`, 0);
    expect(await sweep()).toBe(0);
    expect(await storedKeys()).toContain(key);
    app.clock.advance(25 * HOUR_MS);
    expect(await sweep()).toBe(1);
    expect(await storedKeys()).toEqual([livingKey]);
  });

  it('counts every file of a folder, and keeps one whose files are not all old', async () => {
    const folder = sourceFolder(projectId, newId());
    await store(`${folder}original`, 25);
    await store(`${folder}text`, 1);
    expect(await sweep()).toBe(0);
    await setAge(`${folder}text`, 25);
    expect(await sweep()).toBe(2);
    expect(await storedKeys()).toEqual([livingKey]);
  });

  it('deletes partial files of a day, also beside living files', async () => {
    const partials = [`${dirname(livingKey)}/.original.1.partial`, 'health/.probe.1.partial'];
    const young = `${dirname(livingKey)}/.original.2.partial`;
    for (const key of [...partials, young]) {
      await mkdir(dirname(pathOf(key)), { recursive: true });
      await writeFile(pathOf(key), 'half');
      await setAge(key, key === young ? 23 : 25);
    }
    expect(await sweep()).toBe(2);
    for (const key of partials) await expect(stat(pathOf(key))).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await stat(pathOf(young))).size).toBe(4);
    expect(await storedKeys()).toEqual([livingKey]);
  });

  it('takes many folders, group by group', async () => {
    const orphans = Array.from({ length: 210 }, () => `${sourceFolder(newId(), newId())}original`);
    for (const key of orphans) await store(key, 25);
    expect(await sweep()).toBe(210);
    expect(await storedKeys()).toEqual([livingKey]);
  });

  it('deletes nothing where no file belongs to the database', async () => {
    await rm(pathOf(livingKey));
    const keys = [];
    for (let count = 0; count < 10; count += 1) {
      keys.push(await store(`${sourceFolder(projectId, newId())}original`, 25));
    }
    await expect(sweep()).rejects.toThrow('no stored file belongs to this database');
    expect(await storedKeys()).toEqual(keys.toSorted());
    await store(livingKey, 1000);
    expect(await sweep()).toBe(10);
  });

  it('stops when it is told to', async () => {
    const key = await store(`${sourceFolder(projectId, newId())}original`, 25);
    await expect(sweepOrphanedFiles(app.ctx, AbortSignal.abort())).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(await storedKeys()).toContain(key);
  });
});
