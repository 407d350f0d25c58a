import type { FastifyInstance } from 'fastify';
import { createServer } from '#app/create-server.js';
import type { LiveStreams } from '#platform/ports/live-streams.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { startFakeOpenAI } from './fakes/fake-openai.js';
import { type TokenGate, createTokenGate } from './fakes/token-gate.js';

/** What the fake model says, token by token. */
export const REPLY = 'The hand grinder H2 has a warranty of two years and more.';
const QUESTION = 'How long is the warranty of the hand grinder H2?';
const HANDBOOK = '# Warranty\n\nThe hand grinder H2 has a warranty of two years.';
/** Enough for the first words to be shown. */
const FIRST_TOKENS = 4;

export interface SentEvent {
  id: number;
  name: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  data: any;
}

interface RunningAnswer {
  gate: TokenGate;
  messageId: string;
  /** The first words. */
  seen: SentEvent;
  /** The events after them, where the answer is written. */
  events: AsyncGenerator<SentEvent>;
}

export interface TwoServers {
  app: TestApp;
  token: string;
  projectId: string;
  /** Asks for an answer and waits for it. @returns its message's id */
  ask: () => Promise<string>;
  /** An answer of the first server that has shown its first words and goes on when the gate lets it. */
  startAnswer: () => Promise<RunningAnswer>;
  /** At the second server. */
  resume: (messageId: string, lastEventId: number) => Promise<Response>;
  stop: (at: 'first' | 'second', messageId: string) => Promise<Response>;
  close: () => Promise<void>;
}

/** Two servers on one database, each with live streams of its own, as two processes have them. */
export async function startTwoServers(streams: [LiveStreams, LiveStreams]): Promise<TwoServers> {
  const fake = await startFakeOpenAI({ dimensions: 64 });
  const app = await createTestApp({
    environment: {
      OPENAI_BASE_URL: fake.baseUrl,
      OPENAI_API_KEY: 'test-key',
      OPENAI_EMBEDDING_DIMENSIONS: '64',
    },
  });
  const servers: FastifyInstance[] = [];
  const listen = async (own: LiveStreams) => {
    const server = await createServer({ ...app.ctx, streams: own });
    servers.push(server);
    return server.listen({ port: 0, host: '127.0.0.1' });
  };
  const addresses = { first: await listen(streams[0]), second: await listen(streams[1]) };
  const { token } = await app.register();
  const projectId = await app.createProject(token);
  await app.addSource(token, projectId, { type: 'text', name: 'Handbook', text: HANDBOOK });
  const chat = `/v1/projects/${projectId}/chat`;
  const headers = { authorization: `Bearer ${token}` };

  return {
    app,
    token,
    projectId,
    ask: async () => {
      fake.set({ mode: 'normal', tokenGate: null, reply: () => REPLY });
      const { body } = await app.request('POST', chat, { token, body: { message: QUESTION } });
      return body.message.id;
    },
    startAnswer: async () => {
      const gate = createTokenGate();
      fake.set({ mode: 'normal', tokenGate: gate, reply: () => REPLY });
      const response = await fetch(`${addresses.first}${chat}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ message: QUESTION, stream: true }),
      });
      const events = eventsOf(response);
      const { messageId } = (await nextOf(events)).data;
      gate.release(FIRST_TOKENS);
      return { gate, messageId, seen: await nextOf(events), events };
    },
    resume: (messageId, lastEventId) =>
      fetch(`${addresses.second}${chat}/${messageId}/stream`, {
        headers: { ...headers, 'last-event-id': String(lastEventId) },
      }),
    stop: (at, messageId) => fetch(`${addresses[at]}${chat}/${messageId}/stop`, { method: 'POST', headers }),
    close: async () => {
      for (const server of servers) await server.close();
      await app.close();
      await fake.close();
    },
  };
}

/** The events of a reply as they come; comments are left out. */
export async function* eventsOf(response: Response): AsyncGenerator<SentEvent> {
  if (response.body === null) throw new Error('the answer has no body');
  let text = '';
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const [id = '', name = '', data = ''] of frames.map((frame) => frame.split('\n'))) {
      if (!id.startsWith('id: ')) continue;
      yield { id: Number(id.slice(4)), name: name.slice(7), data: JSON.parse(data.slice(6)) };
    }
  }
}

export async function nextOf(events: AsyncGenerator<SentEvent>): Promise<SentEvent> {
  const next = await events.next();
  if (next.done === true) throw new Error('the stream has ended');
  return next.value;
}

export async function allOf(events: AsyncIterable<SentEvent>): Promise<SentEvent[]> {
  const all: SentEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** The words in the deltas. */
export function textOf(events: readonly SentEvent[]): string {
  return events.map(({ data }) => data.text ?? '').join('');
}
