import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messages } from '#db/schema/conversations.js';
import { createInMemoryLiveStreams } from '#providers/live-streams/in-memory-live-streams.js';
import { REPLY, type TwoServers, allOf, eventsOf, startTwoServers, textOf } from '#test/two-servers.js';

const streams = () => createInMemoryLiveStreams({ onFailure: () => {} });

/** Nothing but the database connects the two. */
let servers: TwoServers;
beforeAll(async () => {
  servers = await startTwoServers([streams(), streams()]);
});
afterAll(() => servers.close());

describe('an answer that another process writes, out of reach', () => {
  it('is resumed to its end, to the letter', async () => {
    const { gate, messageId, seen, events } = await servers.startAnswer();
    const resumed = await servers.resume(messageId, seen.id);
    expect(resumed.status).toBe(200);
    gate.open();
    const second = await allOf(eventsOf(resumed));
    const first = await allOf(events);
    expect(second.map(({ name }) => name)).toEqual(['delta', 'citations', 'done']);
    expect(textOf([seen, ...second])).toBe(REPLY);
    expect(textOf(second)).toBe(textOf(first));
    expect(second.at(-1)).toEqual(first.at(-1));
  });

  it('cannot be stopped, and says so; where it is written it can, and who follows sees it end', async () => {
    const { messageId, seen, events } = await servers.startAnswer();
    const refused = await servers.stop('second', messageId);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await refused.json()).toMatchObject({ code: 'unavailable' });
    const resumed = await servers.resume(messageId, seen.id);
    expect((await servers.stop('first', messageId)).status).toBe(204);
    const last = (await allOf(eventsOf(resumed))).at(-1);
    expect(last).toMatchObject({ name: 'done', data: { message: { status: 'incomplete' } } });
    expect((await allOf(events)).at(-1)).toEqual(last);
    expect((await servers.stop('second', messageId)).status).toBe(204);
  });

  it('is gone when its conversation is deleted', async () => {
    const { app, token, projectId } = servers;
    const { gate, messageId, seen } = await servers.startAnswer();
    const resumed = await servers.resume(messageId, seen.id);
    const path = `/v1/projects/${projectId}/conversations`;
    const { body } = await app.request('GET', `${path}?limit=1`, { token });
    expect((await app.request('DELETE', `${path}/${body.data[0].id}`, { token })).status).toBe(204);
    expect(await allOf(eventsOf(resumed))).toMatchObject([
      { id: seen.id + 1, name: 'error', data: { code: 'not_found' } },
    ]);
    gate.open();
  });
});

describe('an answer that died with its process', () => {
  const SEEN = 40;
  let messageId: string;
  const setStatus = (status: 'streaming' | 'failed') =>
    servers.app.ctx.db.update(messages).set({ status, content: '' }).where(eq(messages.id, messageId));

  beforeAll(async () => {
    messageId = await servers.ask();
    await setStatus('streaming');
  });

  it('ends with an error for a reader that has seen more than is stored, then and later', async () => {
    const brokenOff = [{ id: SEEN + 1, name: 'error', data: { status: 503, code: 'unavailable' } }];
    const following = await servers.resume(messageId, SEEN);
    await setStatus('failed');
    expect(await allOf(eventsOf(following))).toMatchObject(brokenOff);
    expect(await allOf(eventsOf(await servers.resume(messageId, SEEN)))).toMatchObject(brokenOff);
  });

  it('ends as failed for a reader that has seen its start, and has nothing for one that knows', async () => {
    const events = await allOf(eventsOf(await servers.resume(messageId, 1)));
    expect(events.at(-1)).toMatchObject({ id: 3, name: 'done', data: { message: { status: 'failed' } } });
    expect((await servers.resume(messageId, 3)).status).toBe(204);
  });
});
