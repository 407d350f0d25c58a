import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { findPort } from '../faults/find-port.js';

interface Visit {
  path: string;
  /** Of the client. */
  port: number;
  hasLeft: boolean;
}

/** Whether a request waits until it is released. */
type Hold = (path: string) => Promise<boolean> | boolean;

export interface GatedSite {
  url: string;
  /** The paths of its pages, the start first. */
  paths: string[];
  /** All that were asked for, in their order. */
  visits: Visit[];
  /** Those that wait, in their order. */
  held: () => Visit[];
  /** From now on requests wait for which this says so; null: none. Those that wait go on waiting. */
  hold: (which: Hold | null) => void;
  /** Answers those that wait, or the one that waits for this path. */
  release: (path?: string) => void;
  /** What every page says besides from now on, so that a visit finds it changed. */
  setEdition: (edition: string) => void;
  /** From now on every request gets this status; 200: the pages again, 0: what is no HTTP, which nobody tries twice. */
  setStatus: (status: number) => void;
  /** Refuses connections, until it starts again on the same port. */
  stop: () => Promise<void>;
  start: () => Promise<void>;
  close: () => Promise<void>;
}

/**
 * A website on loopback that can keep back any of its answers: a start with links to all pages, and a text on each that
 * no other has.
 */
export async function startGatedSite(name: string, pageCount: number): Promise<GatedSite> {
  const paths = ['/', ...Array.from({ length: pageCount - 1 }, (_, index) => `/page/${index + 1}`)];
  const known = new Set(paths);
  const visits: Visit[] = [];
  const held = new Map<Visit, ServerResponse>();
  let hold: Hold | null = null;
  let edition = '';
  let status = 200;

  const answer = (path: string, response: ServerResponse) => {
    if (status === 0) {
      response.socket?.end('no HTTP\r\n\r\n');
      return;
    }
    const code = status === 200 && !known.has(path) ? 404 : status;
    const body =
      code === 200 ? pageOf({ name, path, edition, links: path === '/' ? paths.slice(1) : [] }) : '';
    response.writeHead(code, { 'content-type': 'text/html; charset=utf-8' }).end(body);
  };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '/';
    const visit = { path, port: request.socket.remotePort ?? 0, hasLeft: false };
    visits.push(visit);
    response.on('close', () => {
      visit.hasLeft = !response.writableFinished;
      held.delete(visit);
    });
    if ((await hold?.(path)) === true && !visit.hasLeft) held.set(visit, response);
    else answer(path, response);
  };
  const port = await findPort();
  let server = createServer();
  const start = async () => {
    server = createServer((request, response) => void serve(request, response));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const stop = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}/`,
    paths,
    visits,
    held: () => [...held.keys()],
    hold: (which) => void (hold = which),
    release: (path) => {
      for (const [visit, response] of held) {
        if (path !== undefined && visit.path !== path) continue;
        held.delete(visit);
        answer(visit.path, response);
      }
    },
    setEdition: (now) => void (edition = now),
    setStatus: (now) => void (status = now),
    start,
    stop,
    close: stop,
  };
}

interface Page {
  name: string;
  path: string;
  edition: string;
  links: string[];
}

function pageOf({ name, path, edition, links }: Page): string {
  const subject = subjectOf(name, path);
  const anchors = links.map((href) => `<li><a href="${href}">To ${href}</a></li>`).join('');
  const text = `${subject} sails with a crew of its own. ${subject} has its berth in the harbour. ${edition}`;
  return `<!doctype html><html lang="en"><head><title>${subject}</title></head>
    <body><main><h1>${subject}</h1><p>${text}</p></main><nav><ul>${anchors}</ul></nav></body></html>`;
}

/** What a page of a site is about: words that no other page has. */
export function subjectOf(name: string, path: string): string {
  return `${name}${path.replaceAll(/[^0-9]/g, '') || 'home'}ship`;
}
