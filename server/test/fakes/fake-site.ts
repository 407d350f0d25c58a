import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an address answers with; a text is a page of HTML with status 200. */
export type FakePage =
  | string
  | {
      status?: number;
      headers?: Record<string, string>;
      body?: string | Uint8Array;
      /** The answer waits for it. */
      after?: Promise<void>;
    };

export interface FakeSite {
  origin: string;
  /** By path with query. What is not there answers 404. */
  pages: Map<string, FakePage>;
  /** Paths with queries, in the order in which they were asked for. */
  visits: string[];
  headers: IncomingHttpHeaders[];
  /** How many visits were in progress at once at most. */
  mostAtOnce: () => number;
  close: () => Promise<void>;
}

/** A website on loopback whose pages a test can change while it runs. It answers 304 to a known `ETag` of a page. */
export async function startFakeSite(pages: Record<string, FakePage> = {}): Promise<FakeSite> {
  const state = { atOnce: 0, most: 0 };
  const site = {
    pages: new Map(Object.entries(pages)),
    visits: [] as string[],
    headers: [] as IncomingHttpHeaders[],
  };
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    site.visits.push(path);
    site.headers.push(request.headers);
    state.atOnce += 1;
    state.most = Math.max(state.most, state.atOnce);
    response.on('close', () => (state.atOnce -= 1));
    const page = site.pages.get(path);
    if (page === undefined) {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>There is nothing here</h1>');
      return;
    }
    const { status = 200, headers = {}, body = '', after } = typeof page === 'string' ? { body: page } : page;
    await after;
    const known = request.headers['if-none-match'];
    if (known !== undefined && known === headers['etag']) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(body);
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...site,
    mostAtOnce: () => state.most,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A page of HTML with a headline, a paragraph of its own and links. */
export function htmlPage(
  title: string,
  text: string,
  options: { links?: string[]; head?: string; body?: string } = {},
): string {
  const links = (options.links ?? []).map((href) => `<li><a href="${href}">To ${href}</a></li>`).join('');
  return `<!doctype html><html lang="en"><head><title>${title}</title>${options.head ?? ''}</head>
    <body><nav><ul>${links}</ul></nav><main><h1>${title}</h1><p>${text}</p>${options.body ?? ''}</main></body></html>`;
}
