import { describe, expect, it } from 'vitest';

import { extractDocument } from './extract-document.js';

const extract = (
  text: string | Uint8Array,
  fileName: string | null = null,
  mediaType: string | null = null,
) => extractDocument(typeof text === 'string' ? Buffer.from(text) : text, { fileName, mediaType });

describe('plain text', () => {
  it.each([
    ['UTF-8', Buffer.from('Preis: 5 € – für “alle”')],
    ['UTF-8 with a mark', Buffer.from('\ufeffPreis: 5 € – für “alle”')],
    ['UTF-16LE with a mark', Buffer.from('\ufeffPreis: 5 € – für “alle”', 'utf16le')],
    ['UTF-16BE with a mark', Buffer.from('\ufeffPreis: 5 € – für “alle”', 'utf16le').swap16()],
    ['UTF-16LE without a mark', Buffer.from('Preis: 5 € – für “alle”', 'utf16le')],
    ['UTF-16BE without a mark', Buffer.from('Preis: 5 € – für “alle”', 'utf16le').swap16()],
    ['windows-1252', Buffer.from('Preis: 5 \x80 \x96 f\xfcr \x93alle\x94', 'latin1')],
  ])('reads %s', async (_charset, bytes) => {
    await expect(extract(bytes, 'a.txt')).resolves.toEqual({
      title: null,
      content: 'Preis: 5 € – für “alle”',
      format: 'plain',
      pages: [],
    });
  });

  it('reads a declared charset, and does without one that is wrong', async () => {
    const cyrillic = Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]);
    expect((await extract(cyrillic, null, 'text/plain; charset=windows-1251')).content).toBe('Привет');
    expect((await extract('für', null, 'text/plain; charset=us-ascii')).content).toBe('fÃ¼r');
    expect((await extract('für', null, 'text/plain; charset=no-such-set')).content).toBe('für');
    expect((await extract(Buffer.from('f\xfcr', 'latin1'), null, 'text/plain; charset=utf-8')).content).toBe(
      'für',
    );
  });

  it('leaves Markdown in a text file alone', async () => {
    const document = await extract('# not a heading\n<b>x</b>', 'a.txt', 'text/markdown');
    expect(document).toMatchObject({ title: null, format: 'plain', content: '# not a heading\n<b>x</b>' });
  });
});

describe('text of any format in a charset of its own', () => {
  const words: [charset: string, word: string, bytes: number[]][] = [
    ['shift_jis', '日本語', [0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea]],
    ['windows-1251', 'Привет', [0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]],
    ['gb18030', '中文', [0xd6, 0xd0, 0xce, 0xc4]],
    ['euc-kr', '한글', [0xc7, 0xd1, 0xb1, 0xdb]],
    ['utf-16le', '日本', [0xe5, 0x65, 0x2c, 0x67]],
  ];
  const spaced = (text: string, charset: string) =>
    Buffer.from(text, charset === 'utf-16le' ? 'utf16le' : 'latin1');
  const formats: [
    extension: string,
    mediaType: string,
    before: string,
    after: string,
    content: (word: string) => string,
  ][] = [
    ['txt', 'text/plain', '', '\n', (word) => word],
    ['md', 'text/markdown', '# ', '\n', (word) => `# ${word}`],
    ['html', 'text/html', '<html><body><p>', '</p></body></html>', (word) => word],
    ['csv', 'text/csv', 'a,b\n1,', '\n', (word) => `- a: 1; b: ${word}`],
    ['json', 'application/json', '{"a": "', '"}', (word) => `a: ${word}`],
  ];

  it.each(formats)(
    'is read as .%s when the media type declares it',
    async (extension, type, before, after, content) => {
      for (const [charset, word, bytes] of words) {
        const file = Buffer.concat([spaced(before, charset), Buffer.from(bytes), spaced(after, charset)]);
        const document = await extract(file, `a.${extension}`, `${type}; charset="${charset}"`);
        expect(document.content).toBe(content(word));
      }
    },
  );

  it.each(formats)(
    'is read as .%s by the mark at its beginning',
    async (extension, _type, before, after, content) => {
      const text = `\ufeff${before}日本語${after}`;
      for (const file of [
        Buffer.from(text),
        Buffer.from(text, 'utf16le'),
        Buffer.from(text, 'utf16le').swap16(),
      ]) {
        expect((await extract(file, `a.${extension}`)).content).toBe(content('日本語'));
      }
    },
  );
});

describe('Markdown', () => {
  it('takes the title from the first heading and drops front matter and comments', async () => {
    const text =
      '---\r\ntitle: "Front"\r\n---\r\nIntro\r\n```\r\n# no heading\r\n<!-- code -->\r\n```\r\n<!-- hidden\r\n-->\r\n# The *real* [title](x) #\r\n\r\nText\r\n';
    await expect(extract(text, 'a.md')).resolves.toEqual({
      title: 'The real title',
      content: 'Intro\n```\n# no heading\n<!-- code -->\n```\n\n# The *real* [title](x) #\n\nText',
      format: 'markdown',
      pages: [],
    });
  });

  it.each([
    ['---\ntitle: "From front matter"\n---\ntext', 'From front matter', 'text'],
    ["+++\ntitle = 'Toml'\n+++\ntext", 'Toml', 'text'],
    ['Underlined\n===\n\ntext', 'Underlined', 'Underlined\n===\n\ntext'],
    ['---\nno front matter', null, '---\nno front matter'],
    ['## only a second level', null, '## only a second level'],
  ])('of %j takes the title %j', async (text, title, content) => {
    expect(await extract(text, 'README.md')).toMatchObject({ title, content, format: 'markdown' });
  });

  it('keeps what stands before a comment that is never closed', async () => {
    expect((await extract(`a ${'<!--'.repeat(50_000)}`, 'a.md')).content).toBe('a');
  });
});
