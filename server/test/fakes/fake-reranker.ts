import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';

import { z } from 'zod';

const requestSchema = z.object({
  model: z.string(),
  query: z.string(),
  documents: z.array(z.string()),
  top_n: z.number().int(),
});

type RerankRequest = z.infer<typeof requestSchema> & { authorization: string | undefined };

/** Relevance of a document; null: it is left out of the reply. */
type Score = (document: string, query: string) => number | null;

export interface FakeReranker {
  /** With its version, as in `RERANK_BASE_URL`. */
  readonly baseUrl: string;
  readonly requests: readonly RerankRequest[];
  set(options: { score?: Score; status?: number; body?: unknown; isHanging?: boolean }): void;
  close(): Promise<void>;
}

/** A real HTTP server on a free port of loopback that speaks the rerank wire of Cohere. */
export async function startFakeReranker(): Promise<FakeReranker> {
  const options = { score: (() => 0) as Score, status: 200, body: undefined as unknown, isHanging: false };
  const requests: RerankRequest[] = [];
  const server = createServer((incoming, response) => {
    void readText(incoming).then((text) => {
      if (`${incoming.method ?? ''} ${incoming.url ?? ''}` !== 'POST /v2/rerank') {
        return response.writeHead(404).end();
      }
      const request = requestSchema.parse(JSON.parse(text));
      requests.push({ ...request, authorization: incoming.headers.authorization });
      if (options.isHanging) return response;
      const results = request.documents
        .map((document, index) => ({ index, relevance_score: options.score(document, request.query) }))
        .filter(({ relevance_score: score }) => score !== null)
        .toSorted((a, b) => Number(b.relevance_score) - Number(a.relevance_score))
        .slice(0, request.top_n);
      const body = options.body ?? { id: 'fake', results, meta: { tokens: { input_tokens: 42 } } };
      return response
        .writeHead(options.status, { 'content-type': 'application/json' })
        .end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v2`,
    requests,
    set: (changes) => void Object.assign(options, changes),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
