import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { answerFromNumberedSources } from './fake-answer.js';
import { sendChatCompletion } from './fake-openai-chat.js';
import { asksForBase64, sendEmbeddings } from './fake-openai-embeddings.js';
import type { FakeOpenAIMode, FakeOpenAIOptions, RecordedRequest } from './fake-openai-options.js';

export interface FakeOpenAI {
  /** With `/v1`, as in `OPENAI_BASE_URL`. */
  readonly baseUrl: string;
  readonly requests: readonly RecordedRequest[];
  readonly abortedRequests: number;
  set(options: Partial<FakeOpenAIOptions>): void;
  /** Resolves once this many requests came in, or were left by their clients. */
  whenRequested(count: number): Promise<void>;
  whenAborted(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A real HTTP server on a free port of loopback that speaks the OpenAI wire and fails as it is told. */
export async function startFakeOpenAI(initial: Partial<FakeOpenAIOptions> = {}): Promise<FakeOpenAI> {
  const options: FakeOpenAIOptions = {
    mode: 'normal',
    reply: answerFromNumberedSources,
    finishReason: 'stop',
    retryAfter: '7',
    dimensions: 64,
    embeddingEncoding: 'as_asked',
    delayMs: 0,
    replyGate: null,
    tokenGate: null,
    ...initial,
  };
  const requests: RecordedRequest[] = [];
  const watchers: { isDue: () => boolean; resolve: () => void }[] = [];
  const countAborted = () => requests.filter((request) => request.aborted).length;
  const tellWatchers = () => {
    for (const watcher of watchers) if (watcher.isDue()) watcher.resolve();
  };
  const whenDue = (isDue: () => boolean) =>
    new Promise<void>((resolve) => {
      watchers.push({ isDue, resolve });
      tellWatchers();
    });

  const server = createServer((incoming, response) => {
    handle(incoming, response).catch(() => response.destroy());
  });

  async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await recordRequest(incoming);
    requests.push(request);
    const mode = typeof options.mode === 'function' ? options.mode(request, requests.length) : options.mode;
    const isBrokenByUs = mode === 'cut' || mode === 'closed' || mode === 'reset';
    response.on('close', () => {
      request.aborted = !response.writableFinished && !isBrokenByUs;
      tellWatchers();
    });
    tellWatchers();
    await answer(request, response, mode, options);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = z.object({ port: z.number() }).parse(server.address());
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    requests,
    get abortedRequests() {
      return countAborted();
    },
    set(changes) {
      Object.assign(options, changes);
    },
    whenRequested: (count) => whenDue(() => requests.length >= count),
    whenAborted: (count) => whenDue(() => countAborted() >= count),
    async close() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function recordRequest(incoming: IncomingMessage): Promise<RecordedRequest> {
  const text = await readText(incoming);
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    port: incoming.socket.remotePort,
    headers: incoming.headers,
    body: text === '' ? {} : z.record(z.string(), z.unknown()).parse(JSON.parse(text)),
    aborted: false,
  };
}

async function answer(
  request: RecordedRequest,
  response: ServerResponse,
  mode: FakeOpenAIMode,
  options: FakeOpenAIOptions,
): Promise<void> {
  if (mode === 'hang') return;
  if (mode === 'reset') return void response.destroy();
  if (mode === 'rate_limited' || mode === 'overloaded') {
    if (options.retryAfter !== null) response.setHeader('retry-after', options.retryAfter);
    if (mode === 'overloaded') return sendError(response, 503, 'overloaded', request);
    return sendError(response, 429, 'rate_limit_exceeded', request);
  }
  if (mode === 'bad_request') return sendError(response, 400, 'invalid_request', request);
  if (mode === 'server_error') return sendError(response, 500, 'server_error', request);
  if (mode === 'unauthorized') return sendError(response, 401, 'invalid_api_key', request);
  if (mode === 'html') {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><h1>Sign in</h1>');
    return;
  }
  const route = `${request.method} ${request.path}`;
  if (route === 'POST /v1/chat/completions') return sendChatCompletion(request.body, response, mode, options);
  if (route === 'POST /v1/embeddings') {
    if (options.replyGate !== null) await options.replyGate.pass();
    if (options.delayMs > 0) await sleep(options.delayMs);
    const isRefused = options.embeddingEncoding === 'base64_refused' && asksForBase64(request.body);
    if (isRefused) return sendError(response, 400, 'unsupported_encoding_format', request);
    return sendEmbeddings(request.body, response, mode, options);
  }
  if (route === 'GET /v1/models') return sendJson(response, 200, { object: 'list', data: MODELS });
  sendError(response, 404, 'unknown_url', request);
}

const MODELS = ['fake-mini', 'fake-premium', 'text-embedding-3-small'].map((id) => ({ id, object: 'model' }));

/** Real endpoints quote the request and the key in their errors; so does this one, so that tests find leaks. */
function sendError(response: ServerResponse, status: number, code: string, request: RecordedRequest): void {
  const message = `failed: ${request.headers.authorization ?? ''} ${JSON.stringify(request.body)}`;
  sendJson(response, status, { error: { message, type: 'fake_error', param: null, code } });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
