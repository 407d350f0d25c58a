import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import {
  type ChatAnswer,
  type PresentedMessage,
  chatAnswerSchema,
  messageSchema,
} from '#features/chat/chat.schemas.js';
import { chunkSchema, documentSchema, documentSummarySchema } from '#features/documents/documents.schemas.js';
import { sourceSchema } from '#features/sources/sources.schemas.js';
import { eventually } from './eventually.js';

type Source = z.infer<typeof sourceSchema>;
type Document = z.infer<typeof documentSchema>;
type Chunk = z.infer<typeof chunkSchema>;

type ChatEvent =
  | { name: 'start'; data: { conversationId: string; messageId: string } }
  | { name: 'delta'; data: { text: string } }
  | { name: 'citations'; data: unknown }
  | { name: 'done'; data: { message: PresentedMessage } }
  | { name: 'error'; data: { code: string } };

/** Botbase over HTTP, as a new account with one project. */
export interface BotbaseClient {
  /** The same account and project after a restart on another port. */
  at: (url: string) => BotbaseClient;
  /** @throws Error with the problem where the status is not a success */
  request: (method: string, path: string, body?: unknown) => Promise<unknown>;
  addText: (name: string, text: string) => Promise<Source>;
  addFile: (path: string) => Promise<Source>;
  findSource: (sourceId: string) => Promise<Source>;
  /** Waits until the source is ready, failed or cancelled. */
  whenEnded: (sourceId: string, timeoutMs?: number) => Promise<Source>;
  listDocuments: (sourceId: string) => Promise<z.infer<typeof documentSummarySchema>[]>;
  findDocument: (documentId: string) => Promise<Document>;
  /** All pages of them. */
  listChunks: (documentId: string) => Promise<Chunk[]>;
  ask: (question: string) => Promise<ChatAnswer>;
  /** The events of an answer as they come. */
  stream: (question: string) => AsyncGenerator<ChatEvent>;
  listMessages: (conversationId: string) => Promise<PresentedMessage[]>;
}

const ENDED = new Set(['ready', 'failed', 'cancelled']);

/** Registers and makes a project. */
export async function createBotbaseClient(url: string, projectName = 'Project'): Promise<BotbaseClient> {
  const account = { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' };
  const { accessToken } = z
    .object({ accessToken: z.string() })
    .parse(await send(url, null, 'POST', '/v1/auth/register', account));
  const project = await send(url, accessToken, 'POST', '/v1/projects', { name: projectName });
  return clientOf(url, accessToken, `/v1/projects/${z.object({ id: z.string() }).parse(project).id}`);
}

function clientOf(url: string, token: string, project: string): BotbaseClient {
  const request: BotbaseClient['request'] = (method, path, body) =>
    send(url, token, method, `${project}${path}`, body);
  const list = async <Item>(item: z.ZodType<Item>, path: string): Promise<Item[]> => {
    const page = z.object({ data: z.array(item), nextCursor: z.string().nullable() });
    const items: Item[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = new URLSearchParams({ limit: '100', ...(cursor === '' ? {} : { cursor }) });
      const { data, nextCursor } = page.parse(
        await request('GET', `${path}${path.includes('?') ? '&' : '?'}${query.toString()}`),
      );
      items.push(...data);
      cursor = nextCursor;
    }
    return items;
  };
  const findSource: BotbaseClient['findSource'] = async (sourceId) =>
    sourceSchema.parse(await request('GET', `/sources/${sourceId}`));
  return {
    at: (otherUrl) => clientOf(otherUrl, token, project),
    request,
    addText: async (name, text) =>
      sourceSchema.parse(await request('POST', '/sources', { type: 'text', name, text })),
    addFile: async (path) => {
      const form = new FormData();
      form.set('file', await openAsBlob(path), basename(path));
      return sourceSchema.parse(await request('POST', '/sources', form));
    },
    findSource,
    whenEnded: (sourceId, timeoutMs) =>
      eventually(
        `the end of source ${sourceId}`,
        async () => {
          const source = await findSource(sourceId);
          return ENDED.has(source.status) ? source : null;
        },
        timeoutMs,
      ),
    listDocuments: (sourceId) => list(documentSummarySchema, `/documents?sourceId=${sourceId}`),
    findDocument: async (documentId) =>
      documentSchema.parse(await request('GET', `/documents/${documentId}`)),
    listChunks: (documentId) => list(chunkSchema, `/documents/${documentId}/chunks`),
    ask: async (question) => chatAnswerSchema.parse(await request('POST', '/chat', { message: question })),
    stream: (question) => streamEvents(url, token, `${project}/chat`, { message: question, stream: true }),
    listMessages: (conversationId) => list(messageSchema, `/conversations/${conversationId}/messages`),
  };
}

async function send(
  url: string,
  token: string | null,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await open(url, token, method, path, body);
  const text = await response.text();
  return text === '' ? null : (JSON.parse(text) as unknown);
}

async function open(
  url: string,
  token: string | null,
  method: string,
  path: string,
  body: unknown,
): Promise<Response> {
  const isForm = body instanceof FormData;
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  if (response.ok) return response;
  throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
}

/** Reads an answer's `text/event-stream` (WHATWG server-sent events); what an event is not is passed over. */
async function* streamEvents(
  url: string,
  token: string,
  path: string,
  body: unknown,
): AsyncGenerator<ChatEvent> {
  const { body: bytes } = await open(url, token, 'POST', path, body);
  if (bytes === null) throw new Error('the answer has no body');
  let pending = '';
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const frames = `${pending}${text}`.split('\n\n');
    pending = frames.pop() ?? '';
    for (const frame of frames) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1];
      const [name, json] = [field('event'), field('data')];
      if (name !== undefined && json !== undefined)
        yield { name, data: JSON.parse(json) as unknown } as ChatEvent;
    }
  }
}
