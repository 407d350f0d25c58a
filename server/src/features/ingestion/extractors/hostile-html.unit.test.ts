import { describe, expect, it } from 'vitest';

import { SourceError } from '#kernel/source-error.js';

import { extractPage } from './extract-page.js';

const read = (html: string | Uint8Array, mediaType = 'text/html') =>
  extractPage(
    typeof html === 'string' ? Buffer.from(html) : html,
    { fileName: null, mediaType },
    { url: 'https://example.com/', boilerplate: [] },
  );

/** The text, or the reason why there is none: nothing else may come out of any page. */
async function outcomeOf(html: string | Uint8Array, mediaType?: string): Promise<string> {
  try {
    return (await read(html, mediaType)).text.content;
  } catch (error) {
    if (error instanceof SourceError) return `refused: ${error.reason}`;
    throw error;
  }
}

const pageOf = (body: string) =>
  `<!doctype html><html><head><title>T</title></head><body>${body}</body></html>`;

describe('hostile web pages', () => {
  it.each([
    ['100,000 elements inside each other', pageOf('<div>'.repeat(100_000)), 'malformed_file'],
    ['100,000 elements after the title', `<title>T</title>${'<div>'.repeat(100_000)}x`, 'malformed_file'],
    ['100,000 lists inside each other', pageOf('<ul><li>x'.repeat(50_000)), 'malformed_file'],
    ['a million character references', pageOf('&amp;'.repeat(1_000_000)), 'too_large'],
    ['a million siblings', pageOf('<p>x</p>'.repeat(1_000_000)), 'too_large'],
  ])('refuse %s', async (_what, html, reason) => {
    expect(await outcomeOf(html)).toBe(`refused: ${reason}`);
  });

  it('read a single text of five million characters', async () => {
    expect(await outcomeOf(pageOf('word '.repeat(1_000_000)))).toHaveLength(4_999_999);
  });

  it('read elements and attributes that nobody closes', async () => {
    expect(await outcomeOf('<html><body><table><tr><td>one<ul><li>two<p>three<b>four')).toBe(
      'one\n\n- two\n\n  threefour',
    );
    expect(await outcomeOf(`<html><body><p>kept</p>${'<a href="'.repeat(10_000)}`)).toBe('kept');
    expect(await outcomeOf(`<html><body><p>kept</p>${'<!--'.repeat(100_000)}`)).toBe('kept');
  });

  it('read lists as deep as pages have them, in space that is linear in their text', async () => {
    const content = await outcomeOf(pageOf('<ul><li>x<br>y'.repeat(200)));
    expect(content.split('\n')).toHaveLength(400);
    expect(content.length).toBeLessThan(400 * 50);
  });

  it('read style sheets that never end, and have a hundred thousand rules', async () => {
    const open = `<style>${'.a{'.repeat(50_000)}</style><p class="a">text</p>`;
    expect(await outcomeOf(pageOf(open))).toBe('text');
    const rules = `<style>${'.a{color:red} /* '.repeat(50_000)}</style><p class="a">text</p>`;
    expect(await outcomeOf(pageOf(rules))).toBe('text');
    const semicolons = `<style>${';'.repeat(100_000)}${'@x{{{'.repeat(20_000)}</style><p>text</p>`;
    expect(await outcomeOf(pageOf(semicolons))).toBe('text');
  });

  it('read text with zero bytes in it', async () => {
    expect(await outcomeOf(pageOf('<p>one\0two</p><br>\0<pre>a\0b</pre>'))).toBe('onetwo\n\n```\nab\n```');
  });

  it.each([
    ['UTF-16, in UTF-8', Buffer.from('<meta charset="utf-16"><p>für</p>'), 'text/html', 'für'],
    [
      'UTF-8, in windows-1252',
      Buffer.from('<meta charset="utf-8"><p>f\xfcr</p>', 'latin1'),
      'text/html',
      'für',
    ],
    [
      'latin-1 by its server, in UTF-8',
      Buffer.from('<p>für 語</p>'),
      'text/html; charset=iso-8859-1',
      'für 語',
    ],
    [
      'Shift_JIS',
      Buffer.from([
        ...Buffer.from('<meta charset="shift_jis"><p>'),
        0x93,
        0xfa,
        0x96,
        0x7b,
        ...Buffer.from('</p>'),
      ]),
      'text/html',
      '日本',
    ],
    [
      'GB2312',
      Buffer.from([
        ...Buffer.from('<meta charset=gb2312><p>'),
        0xd6,
        0xd0,
        0xce,
        0xc4,
        ...Buffer.from('</p>'),
      ]),
      'text/html',
      '中文',
    ],
    ['a charset that does not exist', Buffer.from('<meta charset="x-none"><p>für</p>'), 'text/html', 'für'],
  ])('read a page that declares %s', async (_what, bytes, mediaType, text) => {
    expect(await outcomeOf(bytes, mediaType)).toBe(text);
  });

  it('read XHTML with CDATA, and leave out drawings and frames', async () => {
    const xhtml =
      '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title></head>' +
      '<body><p><![CDATA[a < b & c]]></p><svg><text>drawn</text></svg>' +
      '<math><mi>x</mi><mo>=</mo><mn>1</mn></math></body></html>';
    expect(await outcomeOf(xhtml, 'application/xhtml+xml')).toBe('a < b & c\n\nx=1');
    const frames =
      '<html><head><title>T</title></head><frameset><frame src="a.html"><noframes>no</noframes></frameset></html>';
    expect(await outcomeOf(frames)).toBe('');
  });
});
