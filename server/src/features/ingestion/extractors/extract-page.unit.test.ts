import { describe, expect, it } from 'vitest';

import { extractPage } from './extract-page.js';

const URL_OF_PAGE = 'https://example.com/docs/start?a=1#top';
const read = (html: string, boilerplate: readonly string[] = [], mediaType = 'text/html') =>
  extractPage(Buffer.from(html), { fileName: null, mediaType }, { url: URL_OF_PAGE, boilerplate });
const factsOf = async (html: string) => (await read(`<!doctype html>${html}`)).facts!;

describe('a page of a site', () => {
  it('leads to the addresses in its menus, its text, its maps and what is hidden', async () => {
    const { links } = await factsOf(
      `<body><nav><a href="/">Home</a><a href="../up">Up</a></nav><div style="display:none"><a href="hidden">x</a></div>
       <p><a href="#here">here</a> <a href="next#part">a</a> <a href="next">b</a> <a href=" https://other.org ">c</a>
       <a href="mailto:a@b.c">d</a><a href="javascript:x()">e</a><a href="ftp://x/y">f</a><a href="http://[">g</a>
       <a>no</a><a href="">empty</a><a rel="ugc nofollow" href="/bad">h</a><a rel="sponsored" href="/paid">i</a></p>
       <map><area href="/area"></map><noscript><a href="/plain">j</a></noscript>
       <template><a href="/template">k</a></template><!-- <a href="/comment"> --></body>`,
    );
    expect(links).toEqual([
      'https://example.com/',
      'https://example.com/up',
      'https://example.com/docs/hidden',
      'https://example.com/docs/start?a=1',
      'https://example.com/docs/next',
      'https://other.org/',
      'https://example.com/paid',
      'https://example.com/area',
      'https://example.com/plain',
    ]);
  });

  it('may be written in capitals', async () => {
    const facts = await factsOf(
      '<BODY><A HREF="/a">a</A><A HREF="/b" REL="NOFOLLOW">b</A><P STYLE="DISPLAY:NONE">hid</P></BODY>',
    );
    expect([facts.links, facts.hiddenCharacters]).toEqual([['https://example.com/a'], 3]);
  });

  it('leads to no more than 5,000 addresses', async () => {
    const anchors = Array.from({ length: 6_000 }, (_, index) => `<a href="/p/${index}">x</a>`);
    const { links } = await factsOf(`<body>${anchors.join('')}</body>`);
    expect(links).toHaveLength(5_000);
    expect(links.at(-1)).toBe('https://example.com/p/4999');
  });

  it('says what its address is, by which base it counts, and in which languages it is', async () => {
    const facts = await factsOf(
      `<head><base href="/base/"><link rel="canonical" href="page#x"><link rel="canonical" href="/second">
       <link rel="alternate" hreflang="de" href="/de"><link rel="alternate" type="application/rss+xml" href="/feed">
       <link rel="alternate" hreflang="x-default" href="https://example.com/"></head><body><a href="rel">x</a></body>`,
    );
    expect(facts.links).toEqual(['https://example.com/base/rel']);
    expect(facts.canonical).toBe('https://example.com/base/page');
    expect(facts.alternates).toEqual([
      { language: 'de', url: 'https://example.com/de' },
      { language: 'x-default', url: 'https://example.com/' },
    ]);
  });

  it.each([
    ['0; url=/new', 'https://example.com/new'],
    [`5;URL='https://other.org/x#y'`, 'https://other.org/x'],
    ['0,/bare', 'https://example.com/bare'],
    ['30', null],
    ['600; url=/later', null],
    ['0; url=javascript:x()', null],
  ])('sends its visitors on with %j to %j', async (content, address) => {
    expect((await factsOf(`<head><meta http-equiv="Refresh" content="${content}"></head>`)).refresh).toBe(
      address,
    );
  });

  it('asks its visitors without scripts for nothing that its readers do', async () => {
    const facts = await factsOf(
      `<body><noscript><meta http-equiv="refresh" content="0; url=/no"><meta name="robots" content="noindex"></noscript>`,
    );
    expect([facts.refresh, facts.isNoindex]).toEqual([null, false]);
  });

  it.each([
    ['robots', 'index, follow', false, false],
    ['ROBOTS', 'NOINDEX', true, false],
    ['robots', 'noarchive,nofollow', false, true],
    ['botbase', 'none', true, true],
    ['otherbot', 'none', false, false],
  ])('asks %s for %j', async (name, content, isNoindex, isNofollow) => {
    const facts = await factsOf(`<head><meta name="${name}" content="${content}"></head><p>x</p>`);
    expect([facts.isNoindex, facts.isNofollow]).toEqual([isNoindex, isNofollow]);
  });

  it('without text has facts and an empty content', async () => {
    const { text, facts } = await read(
      '<html><head><title>App</title></head><body><nav><a href="/a">A</a></nav></body></html>',
    );
    expect(text).toEqual({ title: 'App', content: '', format: 'markdown', pages: [] });
    expect(facts).toMatchObject({ links: ['https://example.com/a'], blocks: [], hiddenCharacters: 0 });
  });

  it('loses the blocks that recur on its site, and still tells them', async () => {
    const layout = (own: string) =>
      `<html><head><title>${own}</title></head><body><div class="x1"><div><a href="/">Start</a></div><div>We like cookies.</div></div>
       <h1>${own}</h1><div>All about ${own}, in a few words.</div><div class="x2">Made by Acme.</div></body></html>`;
    const one = await read(layout('Socks'));
    const other = await read(layout('Hats'));
    const boilerplate = one.facts!.blocks.filter((hash) => other.facts!.blocks.includes(hash));
    const again = await read(layout('Socks'), boilerplate);
    expect(one.text.content).toBe(
      'Start\n\nWe like cookies.\n\n# Socks\n\nAll about Socks, in a few words.\n\nMade by Acme.',
    );
    expect(again.text.content).toBe('# Socks\n\nAll about Socks, in a few words.');
    expect(again.facts!.blocks).toEqual(one.facts!.blocks);
    expect(one.facts!.blocks).toHaveLength(5);
  });

  it('that is no HTML is read as the file that it is', async () => {
    const { text, facts } = await read('Plain text.', [], 'text/plain');
    expect([text.content, text.format, facts]).toEqual(['Plain text.', 'plain', null]);
    await expect(read('', [], 'text/plain')).rejects.toMatchObject({ reason: 'empty' });
    await expect(read('%PDF-1.7 broken', [], 'text/html')).rejects.toMatchObject({ name: 'SourceError' });
  });
});
