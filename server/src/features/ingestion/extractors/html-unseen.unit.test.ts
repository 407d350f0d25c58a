import { describe, expect, it } from 'vitest';

import { extractPage } from './extract-page.js';

/** What is read of a page that says `seen` and one thing more, and how much of it counts as hidden. */
async function read(more: string, styles = '') {
  const { text, facts } = await extractPage(
    Buffer.from(`<html><head><title>T</title>${styles}</head><body><p>seen</p>${more}</body></html>`),
    { fileName: null, mediaType: 'text/html' },
    { url: 'https://example.com/', boilerplate: [] },
  );
  return [text.content, facts?.hiddenCharacters];
}

describe('hidden text', () => {
  it.each([
    'display:none',
    'DISPLAY : none !important',
    'visibility:hidden',
    'opacity:0',
    'opacity: 0.0',
    'font-size:0',
    'font-size:1px',
    'width:0;height:0;overflow:hidden',
    'height:1px;overflow:hidden',
    'position:absolute;left:-9999px',
    'position:fixed;top:-1000px',
    'position:absolute;left:-999em',
    'text-indent:-9999px',
    'margin-left:-9999px',
    'position:absolute;clip:rect(0,0,0,0)',
    'clip:rect(1px 1px 1px 1px)',
    'clip-path:inset(100%)',
    'transform:scale(0)',
    'color:#fff;background:#ffffff',
    'color:white;background-color:rgb(255, 255, 255)',
  ])('is left out and counted where its style says %s', async (style) => {
    expect(await read(`<p style="${style}">hid den</p>`)).toEqual(['seen', 6]);
    const sheet = `<style>/* .a{} */ @import url(x); p.a, .b > i { ${style} }</style>`;
    expect(await read('<p class="z a">hid den</p>', sheet)).toEqual(['seen', 6]);
  });

  it.each([
    '<p hidden>hid</p>',
    '<p aria-hidden="true">hid</p>',
    '<p class="sr-only">hid</p>',
    '<p class="visually-hidden">hid</p>',
    '<dialog>hid</dialog>',
    '<div style="background:#fff"><p style="color:#fff">hid</p></div>',
    '<div style="font-size:0"><b>hid</b></div>',
  ])('is left out and counted in %s', async (html) => {
    expect(await read(html)).toEqual(['seen', 3]);
  });

  it.each([
    '<p style="color:#fff;background:#000">more</p>',
    '<div style="background:#fff"><p class="button" style="color:#fff">more</p></div>',
    '<div style="font-size:0"><p class="column">more</p></div>',
    '<p style="opacity:0;transition:opacity 1s">more</p>',
    '<p style="left:-9999px">more</p>',
    '<p style="max-height:0;overflow:hidden">more</p>',
    '<div hidden="until-found">more</div>',
    '<div role="tabpanel" aria-hidden="true">more</div>',
    '<div class="collapse accordion-body">more</div>',
    '<details><summary>more</summary></details>',
  ])('is not the text of %s', async (html) => {
    expect(await read(html)).toEqual(['seen\n\nmore', 0]);
  });

  it.each([
    ['.a{display:none} .a.open{display:block}', 'seen\n\nmore'],
    ['.a{display:none} p{display:block}', 'seen'],
    ['#p{display:block} .a{display:none}', 'seen\n\nmore'],
    ['.a{display:block} .a{display:none}', 'seen'],
    ['@media print{.a{display:none}}', 'seen\n\nmore'],
    ['@media screen{.a{display:none}}', 'seen'],
    ['body{opacity:0} html{visibility:hidden}', 'seen\n\nmore'],
    ['nav .a{display:none} .a:hover{display:none}', 'seen\n\nmore'],
  ])('follows the rules %s', async (rules, content) => {
    const [found] = await read('<p id="p" class="a open">more</p>', `<style>${rules}</style>`);
    expect(found).toBe(content);
  });

  it('stays where a style sheet is for paper, or for visitors without scripts', async () => {
    const sheets =
      '<style media="print">.a{display:none}</style><noscript><style>.a{display:none}</style></noscript>';
    expect(await read('<p class="a">more</p>', sheets)).toEqual(['seen\n\nmore', 0]);
  });

  it('is in characters of no width, which stay where a script needs them', async () => {
    expect(await read('<p>pass\u200bword\u2060 a\u200dz \u{e0041}\u{e0042}\u202eabc</p>')).toEqual([
      'seen\n\npassword az abc',
      6,
    ]);
    const joined = '👩‍👩‍👧 می‌خواهم क्‍ष';
    expect(await read(`<p>${joined}</p>`)).toEqual([`seen\n\n${joined}`, 0]);
  });

  it('is not the markup that formulas are read by', async () => {
    const formula =
      '<span style="position:absolute;clip:rect(1px,1px,1px,1px)"><math><mi>x</mi></math></span>';
    expect(await read(`<p>where ${formula}</p>`)).toEqual(['seen\n\nwhere x', 0]);
  });
});
