import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { eventually } from '../eventually.js';

const QUESTION = 'How long does a refund take?';
/** Long enough for an answer to be caught in its middle. */
export const ANSWER =
  'A refund takes five working days and goes to the very card that was used for the order';

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** @throws SyntaxError where it is no JSON */
  json: () => Record<string, unknown>;
}

interface SendOptions {
  body?: unknown;
  key?: string;
  signal?: AbortSignal;
  /** In place of the access token; null: none. */
  token?: string | null;
}

type AskOptions = SendOptions & { conversationId?: string; isStream?: boolean };

export interface AnswerStream {
  messageId: string;
  /** What has come so far. */
  text: () => string;
  /** `end`, or `broken` when the connection was. */
  ended: Promise<'end' | 'broken'>;
  /** As a reader does who closes the page. */
  leave: () => void;
}

/** A tenant: its canary is in its source, and all that it is shown is kept. */
export interface Account {
  canary: string;
  /** `/v1/projects/…` */
  project: string;
  accessToken: string;
  refreshToken: string;
  accepted: { messageIds: string[]; sourceIds: string[] };
  shown: { status: number; contentType: string; body: string }[];
  send: (url: string, method: string, path: string, options?: SendOptions) => Promise<Reply>;
  addText: (url: string, name: string, text: string) => Promise<string>;
  /** Of a file. */
  upload: (url: string, name: string, content: string | Uint8Array<ArrayBuffer>) => Promise<string>;
  /** Waits for the whole answer, as JSON or as the whole event stream. */
  ask: (url: string, options?: AskOptions) => Promise<Reply>;
  /** Resolves when the answer has begun: its question is accepted. */
  stream: (url: string, options?: SendOptions) => Promise<AnswerStream>;
  findStatus: (url: string, sourceId: string) => Promise<string>;
}

const sourceSchema = z.object({ id: z.string(), status: z.string() });

/** Registers, makes a project and adds the source that `ask` asks about. */
export async function openAccount(url: string): Promise<Account> {
  const canary = `canary-${randomUUID()}`;
  const shown: Account['shown'] = [];
  const accepted: Account['accepted'] = { messageIds: [], sourceIds: [] };
  let accessToken = '';

  const open = (at: string, method: string, path: string, options: SendOptions) => {
    const { body, key, signal, token = accessToken } = options;
    const isForm = body instanceof FormData;
    return fetch(`${at}${path}`, {
      method,
      headers: {
        ...(token === null || token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  };
  const send: Account['send'] = async (at, method, path, options = {}) => {
    const response = await open(at, method, path, options);
    const text = await response.text();
    const contentType = response.headers.get('content-type') ?? '';
    shown.push({ status: response.status, contentType, body: text });
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: () => z.record(z.string(), z.unknown()).parse(JSON.parse(text)),
    };
  };
  const account = { email: `${canary}@example.com`, password: 'correct horse battery', name: 'Ada' };
  const registered = succeeded(await send(url, 'POST', '/v1/auth/register', { body: account }));
  const tokens = z.object({ accessToken: z.string(), refreshToken: z.string() }).parse(registered.json());
  ({ accessToken } = tokens);
  const made = succeeded(await send(url, 'POST', '/v1/projects', { body: { name: 'Project' } }));
  const project = `/v1/projects/${z.object({ id: z.string() }).parse(made.json()).id}`;

  const addSource = async (at: string, body: unknown) => {
    const reply = succeeded(await send(at, 'POST', `${project}/sources`, { body }));
    const { id } = sourceSchema.parse(reply.json());
    accepted.sourceIds.push(id);
    return id;
  };
  const findStatus: Account['findStatus'] = async (at, sourceId) =>
    sourceSchema.parse(succeeded(await send(at, 'GET', `${project}/sources/${sourceId}`)).json()).status;
  const addText: Account['addText'] = (at, name, text) => addSource(at, { type: 'text', name, text });
  const bodyOf = ({ conversationId, isStream }: AskOptions) => ({
    message: QUESTION,
    ...(isStream === true ? { stream: true } : {}),
    ...(conversationId === undefined ? {} : { conversationId }),
  });

  const sourceId = await addText(url, 'Refunds', `# Refunds\n\n${ANSWER}.\n\nThe code is ${canary}.`);
  await eventually('the first source', async () =>
    (await findStatus(url, sourceId)) === 'ready' ? true : null,
  );
  return {
    canary,
    project,
    accessToken,
    refreshToken: tokens.refreshToken,
    accepted,
    shown,
    send,
    addText,
    upload: (at, name, content) => {
      const form = new FormData();
      form.set('file', new Blob([content]), name);
      return addSource(at, form);
    },
    ask: async (at, options = {}) => {
      const reply = await send(at, 'POST', `${project}/chat`, { ...options, body: bodyOf(options) });
      if (reply.status === 200) accepted.messageIds.push(messageOf(reply).id);
      return reply;
    },
    stream: async (at, options = {}) => {
      const leaving = new AbortController();
      const body = bodyOf({ isStream: true });
      const response = await open(at, 'POST', `${project}/chat`, {
        ...options,
        body,
        signal: leaving.signal,
      });
      const answer = readAnswer(response, shown);
      const messageId = await answer.messageId;
      accepted.messageIds.push(messageId);
      return { ...answer, messageId, leave: () => leaving.abort() };
    },
    findStatus,
  };
}

function succeeded(reply: Reply): Reply {
  if (reply.status >= 300) throw new Error(`answered ${reply.status}: ${reply.text}`);
  return reply;
}

/** The message of a whole answer, also of one that came as events. */
export function messageOf({ text }: Pick<Reply, 'text'>): { id: string; content: string } {
  const json = /^event: done\ndata: (.*)$/m.exec(text)?.[1] ?? text;
  const answer = z.object({ message: z.object({ id: z.string(), content: z.string() }) });
  return answer.parse(JSON.parse(json)).message;
}

/** Reads on by itself, so that a stream whose test looks elsewhere is no slow reader. */
function readAnswer(response: Response, shown: Account['shown']) {
  let text = '';
  let begin: (messageId: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const messageId = new Promise<string>((resolve, reject) => ([begin, fail] = [resolve, reject]));
  const read = async (): Promise<'end' | 'broken'> => {
    try {
      for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += part;
        const id = /"messageId":"([^"]+)"/.exec(text)?.[1];
        if (id !== undefined) begin(id);
      }
      return 'end';
    } catch {
      return 'broken';
    } finally {
      const contentType = response.headers.get('content-type') ?? '';
      shown.push({ status: response.status, contentType, body: text });
      fail(new Error(`answered ${response.status} and no answer: ${text}`));
    }
  };
  return { messageId, text: () => text, ended: read() };
}
