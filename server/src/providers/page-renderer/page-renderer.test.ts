import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it, onTestFinished } from 'vitest';

import { createPageFetcher } from '#providers/page-fetcher/page-fetcher.js';
import { serveOnLoopback as serve } from '#test/fakes/loopback-server.js';
import { createGate } from '#test/gate.js';

import { createPageRenderer, type PageRendererOptions } from './page-renderer.js';

const CHROMIUM = '/usr/bin/chromium';
const never = new AbortController().signal;

/** 127.0.0.1 plays the internet, as `public.example` does; 127.0.0.2 is the inside. */
const pages = createPageFetcher(
  {
    allowPrivateNetworks: false,
    maxBytes: 1_000_000,
    timeoutMs: 10_000,
    maxRedirects: 3,
    userAgent: 'Botbase-Test/1.0',
  },
  {
    resolveHost: (name) =>
      Promise.resolve([{ address: name === 'public.example' ? '127.0.0.1' : '127.0.0.2', family: 4 }]),
    isPublicAddress: (address) => address === '127.0.0.1',
  },
);

function createRenderer(changes: Partial<PageRendererOptions> = {}) {
  return createPageRenderer({
    pages,
    browser: { executablePath: CHROMIUM },
    timeoutMs: 40_000,
    maxBytes: 1_000_000,
    userAgent: 'Botbase-Test/1.0',
    ...changes,
  });
}

/** Answers by path; a text that begins with `<` is HTML, others are scripts. */
const site =
  (files: Record<string, string>): RequestListener =>
  (request, response) => {
    const text = files[request.url ?? ''];
    const type = text?.startsWith('<') === true ? 'text/html; charset=utf-8' : 'text/javascript';
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': type }).end(text);
  };

// Chromium of Debian; 127.0.0.2 answers on Linux without being set up.
describe.skipIf(!existsSync(CHROMIUM))('a page in a browser (skipped without /usr/bin/chromium)', () => {
  const renderer = createRenderer();
  afterAll(() => renderer.close());

  it('is read as its scripts have drawn it, at the address where it ends up', async () => {
    const agents: unknown[] = [];
    const listener = site({
      '/app/': '<div id=root></div><script src=draw.js></script>',
      '/app/draw.js': `fetch('text.js').then((reply) => reply.text()).then((text) => {
        document.title = navigator.userAgent;
        document.getElementById('root').textContent = text;
      })`,
      '/app/text.js': 'Wir haben schön geöffnet.',
    });
    const seen = await serve((request, response) => {
      agents.push(request.headers['user-agent']);
      if (request.url === '/') response.writeHead(302, { location: '/app/' }).end();
      else listener(request, response);
    });
    const { url, html } = await renderer.render(seen.url, never);
    expect(url).toBe(`${seen.url}/app/`);
    expect(html).toContain('<div id="root">Wir haben schön geöffnet.</div>');
    expect(html).toContain('<title>Botbase-Test/1.0</title>');
    expect(new Set(agents)).toEqual(new Set(['Botbase-Test/1.0']));
    expect(seen.requests).toEqual(['/', '/app/', '/app/draw.js', '/app/text.js']);
  });

  it('reaches nothing inside, by whatever way', async () => {
    const decoy = await serve((_request, response) => response.end('secret'), '127.0.0.2');
    const led: RequestListener = (_request, response) =>
      response.writeHead(302, { location: `${decoy.url}/led` }).end();
    const ways = `
      const inside = '${decoy.url}';
      const named = 'http://inner.example:${decoy.port}';
      const tried = [];
      const attempt = (name, act) => { tried.push(name); try { act()?.catch?.(() => {}); } catch {} };
      for (const base of [inside, named, 'http://localhost:${decoy.port}', '/led?']) {
        attempt('fetch', () => fetch(base + '/a').then((r) => r.text()).then((t) => document.body.append(t)));
        attempt('no-cors', () => fetch(base + '/b', { mode: 'no-cors' }));
        attempt('post', () => fetch(base + '/c', { method: 'POST', body: 'x', mode: 'no-cors' }));
        attempt('xhr', () => { const x = new XMLHttpRequest(); x.open('GET', base + '/d'); x.send(); });
        attempt('beacon', () => navigator.sendBeacon(base + '/e', 'x'));
        attempt('events', () => new EventSource(base + '/f'));
        attempt('socket', () => new WebSocket(base.replace('http', 'ws') + '/g'));
        attempt('image', () => { new Image().src = base + '/h'; });
        attempt('popup', () => window.open(base + '/i'));
        for (const [tag, key, extra] of [['iframe', 'src'], ['script', 'src'], ['object', 'data'], ['embed', 'src'],
          ['video', 'src'], ['link', 'href', { rel: 'stylesheet' }], ['link', 'href', { rel: 'prefetch' }],
          ['link', 'href', { rel: 'preload', as: 'script' }], ['link', 'href', { rel: 'preconnect' }],
          ['link', 'href', { rel: 'dns-prefetch' }], ['link', 'href', { rel: 'prerender' }],
          ['link', 'href', { rel: 'icon' }], ['link', 'href', { rel: 'manifest' }]]) {
          attempt(tag, () => {
            const element = Object.assign(document.createElement(tag), extra);
            element[key] = base + '/j';
            document.body.append(element);
          });
        }
        attempt('worker', () => new Worker(URL.createObjectURL(new Blob([
          'fetch("' + base + '/k").catch(() => {}); try { new WebSocket("' + base.replace('http', 'ws') + '/l") } catch {}' +
          'try { importScripts("' + base + '/m") } catch {}'], { type: 'text/javascript' }))));
        attempt('form', () => {
          const form = Object.assign(document.createElement('form'), { action: base + '/n', method: 'post', target: '_blank' });
          document.body.append(form);
          form.submit();
        });
        attempt('speculation', () => {
          const script = Object.assign(document.createElement('script'), { type: 'speculationrules' });
          script.textContent = JSON.stringify({ prefetch: [{ urls: [base + '/o'] }], prerender: [{ urls: [base + '/p'] }] });
          document.body.append(script);
        });
      }
      attempt('service worker', () => navigator.serviceWorker.register('/worker.js'));
      attempt('rtc', () => {
        const peer = new RTCPeerConnection({ iceServers: [{ urls: 'turn:127.0.0.2:${decoy.port}?transport=tcp', username: 'a', credential: 'b' }] });
        peer.createDataChannel('x');
        return peer.createOffer().then((offer) => peer.setLocalDescription(offer));
      });
      attempt('transport', () => new WebTransport('https://127.0.0.2:${decoy.port}/q').ready);
      document.body.append('tried ' + tried.length);
      addEventListener('load', () => { location.href = inside + '/r'; });
    `;
    const listener = site({
      '/': `<meta http-equiv=refresh content="1;url=${decoy.url}/s"><body>Hello.<script src=/ways.js></script></body>`,
      '/ways.js': ways,
      '/worker.js': `fetch('${decoy.url}/t')`,
    });
    const seen = await serve((request, response) =>
      request.url?.startsWith('/led') === true ? led(request, response) : listener(request, response),
    );
    const { url, html } = await renderer.render(seen.url, never);
    expect(decoy.connections).toBe(0);
    expect(url).toBe(`${seen.url}/`);
    expect(html).toContain('Hello.');
    expect(html).toMatch(/tried 10\d/);
    expect(html).not.toContain('secret');
    // What leads inside by a redirect was asked, so the ways were tried.
    expect(seen.requests).toContain('/led?/a');
    expect(seen.requests).not.toContain('/worker.js');
  });

  it('fails as the fetcher puts it where its own document cannot be fetched', async () => {
    const seen = await serve(site({}));
    await expect(renderer.render(`${seen.url}/missing`, never)).rejects.toMatchObject({ reason: 'http_404' });
    await expect(renderer.render('http://127.0.0.2/', never)).rejects.toMatchObject({
      reason: 'blocked_address',
    });
    await expect(renderer.render('http://inner.example/', never)).rejects.toMatchObject({
      reason: 'blocked_address',
    });
  });

  it('is not drawn where it is no page, and does not grow without end', async () => {
    const seen = await serve(
      site({
        '/script': 'alert(1)',
        '/huge': `<script>document.write('x'.repeat(2_000_000))</script>`,
        '/many': `<script>for (let at = 0; at < 500; at += 1) fetch('/file' + at)</script>`,
      }),
    );
    await expect(renderer.render(`${seen.url}/script`, never)).rejects.toMatchObject({
      reason: 'unsupported_type',
    });
    await expect(renderer.render(`${seen.url}/huge`, never)).rejects.toMatchObject({ reason: 'too_large' });
    seen.requests.length = 0;
    await renderer.render(`${seen.url}/many`, never);
    expect(seen.requests).toHaveLength(201);
  });

  it('cannot hold us up: by dialogs, by downloads, by a script that never ends', async () => {
    const seen = await serve((request, response) => {
      if (request.url === '/file') response.setHeader('content-type', 'application/zip').end('x');
      else
        site({
          '/dialogs': `<body>before<script>alert(1); confirm(2); onbeforeunload = () => 'stay'; location.href = '/file'</script></body>`,
          '/busy': '<script>for (;;);</script>',
        })(request, response);
    });
    expect((await renderer.render(`${seen.url}/dialogs`, never)).html).toContain('before');
    const hurried = createRenderer({ timeoutMs: 3_000 });
    await expect(hurried.render(`${seen.url}/busy`, never)).rejects.toMatchObject({
      reason: 'timeout',
      retryable: true,
    });
    await hurried.close();
  });

  it('is left when its caller leaves', async () => {
    const leaving = new AbortController();
    const seen = await serve(() => leaving.abort(new Error('the job was cancelled')));
    await expect(renderer.render(seen.url, leaving.signal)).rejects.toThrow('the job was cancelled');
  });

  it('gets a new browser when the last one has died', async () => {
    const drawn = createGate();
    const listener = site({
      '/': '<p>alive</p>',
      '/busy': '<script src=/drawn></script><script>for (;;);</script>',
    });
    const seen = await serve((request, response) => {
      if (request.url === '/drawn') drawn.open();
      listener(request, response);
    });
    const directory = await mkdtemp(join(tmpdir(), 'botbase-browser-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    // Debian's is a script that ends by being Chromium: its process is the browser's own.
    const executablePath = join(directory, 'chromium');
    await writeFile(executablePath, `#!/bin/sh\necho $$ > '${directory}/pid'\nexec ${CHROMIUM} "$@"\n`);
    await chmod(executablePath, 0o755);
    const own = createRenderer({ browser: { executablePath } });
    onTestFinished(() => own.close());
    const kill = async () => process.kill(Number(await readFile(join(directory, 'pid'), 'utf8')), 'SIGKILL');

    expect((await own.render(seen.url, never)).html).toContain('alive');
    const drawing = own.render(`${seen.url}/busy`, never);
    await drawn.passed;
    await kill();
    await expect(drawing).rejects.toMatchObject({ reason: 'fetch_failed', retryable: true });
    expect((await own.render(seen.url, never)).html).toContain('alive');
  });

  it('fails where there is no browser, to be tried again', async () => {
    const seen = await serve(site({ '/': '<p>alive</p>' }));
    const missing = createRenderer({ browser: { executablePath: '/nowhere/chromium' } });
    await expect(missing.render(seen.url, never)).rejects.toMatchObject({
      reason: 'fetch_failed',
      retryable: true,
    });
    await missing.close();
  });
});
