// A website as a process of its own: node site.mjs PAGES. Documentation pages of some 30 kB, half of that navigation,
// scripts and styles, with a sitemap, ETags and dates. Over IPC it takes { changed, hasEtags, delayMs } (pages that
// are written anew, by number; before each page) and answers every message with what it has counted since the one before.
import { createServer } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom, writeArticle } from './corpus.mjs';

const pageCount = Number(process.argv[2]);
const PAGES_PER_SECTION = 50;
const PAGE_BYTES = 30_000;
const ARTICLE_CHARACTERS = 9_000;
const LAUNCHED_AT = Date.UTC(2025, 0, 1);
const DAY_MS = 86_400_000;

const versions = new Uint32Array(pageCount);
let hasEtags = true;
let delayMs = 0;
let counted = { requests: 0, notModified: 0, sentBytes: 0 };

const titles = Array.from({ length: pageCount }, (_, index) => articleOf(index).title);
const STYLE = Array.from(
  { length: 60 },
  (_, index) => `.block-${index}{margin:0 ${index}px;padding:${index % 7}px;color:#${100 + index}}`,
).join('\n');

const server = createServer((request, response) => void answer(request, response));

/** Every page that the site has; else 404. */
function answer(request, response) {
  counted.requests += 1;
  const { pathname } = new URL(request.url, 'http://site.test');
  if (pathname === '/robots.txt')
    return send(response, 'text/plain', `User-agent: *\nAllow: /\nSitemap: ${originOf()}/sitemap.xml\n`);
  if (pathname === '/sitemap.xml') return send(response, 'application/xml', sitemap());
  if (pathname === '/') return sendPage(request, response, { etag: '"home-1"', html: home() });
  const index = Number(/^\/docs\/\d+\/page-(\d+)$/.exec(pathname)?.[1] ?? Number.NaN);
  if (!(index < pageCount)) {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>');
    return undefined;
  }
  return sendPage(request, response, { etag: `"p${index}-${versions[index]}"`, html: page(index) });
}

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ url: `${originOf()}/` }));
process.on('disconnect', () => process.exit());
process.on('message', (changes) => {
  for (const index of changes.changed ?? []) versions[index] += 1;
  hasEtags = changes.hasEtags ?? hasEtags;
  delayMs = changes.delayMs ?? delayMs;
  process.send(counted);
  counted = { requests: 0, notModified: 0, sentBytes: 0 };
});

function originOf() {
  return `http://127.0.0.1:${server.address().port}`;
}

function send(response, type, body, headers = {}) {
  const bytes = Buffer.from(body);
  counted.sentBytes += bytes.byteLength;
  response
    .writeHead(200, { 'content-type': type, 'content-length': bytes.byteLength, ...headers })
    .end(bytes);
}

async function sendPage(request, response, { etag, html }) {
  if (delayMs > 0) await pause(delayMs);
  if (hasEtags && request.headers['if-none-match'] === etag) {
    counted.notModified += 1;
    response.writeHead(304, { etag }).end();
    return;
  }
  send(response, 'text/html; charset=utf-8', html, hasEtags ? { etag } : {});
}

const pathOf = (index) => `/docs/${Math.floor(index / PAGES_PER_SECTION)}/page-${index}`;
const linkTo = (index) => `<a href="${pathOf(index)}">${titles[index]}</a>`;

function sitemap() {
  const entries = titles.map((_, index) => {
    const changedAt = new Date(LAUNCHED_AT + versions[index] * DAY_MS).toISOString();
    return `<url><loc>${originOf()}${pathOf(index)}</loc><lastmod>${changedAt}</lastmod></url>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${entries.join('\n')}</urlset>`;
}

/** A page that is written anew has another last paragraph, as most changes are small. */
function articleOf(index) {
  const article = writeArticle(createRandom(1_000 + index), ARTICLE_CHARACTERS);
  if (versions[index] > 0) {
    const text = `Since release ${versions[index]} the ${article.title} can be changed by every owner of ${index}.`;
    article.blocks.push({ type: 'paragraph', text });
  }
  return article;
}

function home() {
  const sections = Math.ceil(pageCount / PAGES_PER_SECTION);
  const links = Array.from({ length: sections }, (_, section) => linkTo(section * PAGES_PER_SECTION));
  return document(
    'Documentation',
    '<h1>Documentation</h1><p>Everything there is to know, by section.</p>',
    links,
  );
}

function page(index) {
  const { title, blocks } = articleOf(index);
  const first = index - (index % PAGES_PER_SECTION);
  const last = Math.min(pageCount, first + PAGES_PER_SECTION);
  const siblings = Array.from({ length: last - first }, (_, place) => linkTo(first + place));
  const main = `<h1>${title}</h1>\n${blocks.map(htmlOf).join('\n')}\n<p>See also ${linkTo((index * 7 + 13) % pageCount)}.</p>`;
  return document(title, main, siblings);
}

function document(title, main, links) {
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} | Example Docs</title>
<meta name="description" content="About ${title}"><style>${STYLE}</style></head><body>
<header class="site-header"><a href="/">Example Docs</a><nav><ul><li><a href="/">Home</a></li><li>${linkTo(0)}</li></ul></nav></header>
<aside class="sidebar"><nav aria-label="Section"><ul>${links.map((link) => `<li>${link}</li>`).join('\n')}</ul></nav></aside>
<main><article>${main}</article></main>
<footer><p>Copyright Example Ltd. All rights reserved.</p><p>Was this page helpful? Send us a message.</p></footer>
`;
  const end = '</script></body></html>';
  const filler = Math.max(0, PAGE_BYTES - html.length - end.length - 40);
  return `${html}<script>window.__STATE__=${JSON.stringify('x'.repeat(filler))}${end}`;
}

const escape = (text) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>');

function htmlOf(block) {
  switch (block.type) {
    case 'heading':
      return `<h2>${escape(block.text)}</h2>`;
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escape(item)}</li>`).join('')}</ul>`;
    case 'code':
      return `<pre><code class="language-yaml">${escape(block.text)}</code></pre>`;
    case 'table':
      return `<table>${block.rows.map((row, at) => `<tr>${row.map((cell) => (at === 0 ? `<th>${cell}</th>` : `<td>${cell}</td>`)).join('')}</tr>`).join('')}</table>`;
    default:
      return `<p>${escape(block.text)}</p>`;
  }
}
