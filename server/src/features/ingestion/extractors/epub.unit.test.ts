import { describe, expect, it } from 'vitest';

import { buildEpub } from '#test/fixtures/build-epub.js';

import { extractDocument } from './extract-document.js';

const extract = (bytes: Uint8Array) => extractDocument(bytes, { fileName: 'a.epub', mediaType: null });
const encryption = (uri: string, algorithm: string) => ({
  'META-INF/encryption.xml':
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData><EncryptionMethod ' +
    `Algorithm="${algorithm}"/><CipherData><CipherReference URI="${uri}"/></CipherData></EncryptedData></encryption>`,
});
const AES = 'http://www.w3.org/2001/04/xmlenc#aes128-cbc';

describe('EPUB books', () => {
  it('are read in the order of their spine, without navigation, each chapter once', async () => {
    const chapters = {
      'two words.xhtml': '<h1>Two</h1><p>Second<br/>line.</p><a id="x"/><p hidden="hidden">unseen</p>',
      'nav.xhtml': '<nav><ol><li>One</li></ol></nav>',
      'one.xhtml': '<h1>One</h1><p>First &amp; best.</p><ul><li>a</li><li>b</li></ul>',
    };
    const spine = ['nav.xhtml', 'one.xhtml', 'two words.xhtml', 'one.xhtml', 'missing'];
    await expect(extract(buildEpub(chapters, { title: 'A &amp; B', spine }))).resolves.toEqual({
      title: 'A & B',
      content: '# One\n\nFirst & best.\n\n- a\n- b\n\n# Two\n\nSecond\nline.',
      format: 'markdown',
      pages: [],
    });
  });

  it('that only garble their fonts are open, and those whose chapters are closed are encrypted', async () => {
    const chapters = { 'one.xhtml': '<p>text</p>' };
    const open = buildEpub(chapters, {
      parts: encryption('OEBPS/fonts/a.otf', 'http://www.idpf.org/2008/embedding'),
    });
    expect((await extract(open)).content).toBe('text');
    const closed = buildEpub(chapters, { parts: encryption('OEBPS/text/one.xhtml', AES) });
    await expect(extract(closed)).rejects.toMatchObject({ name: 'SourceError', reason: 'encrypted' });
  });

  it.each([
    ['no text', buildEpub({ 'one.xhtml': '' }), 'empty'],
    ['no package', buildEpub({}, { parts: { 'META-INF/container.xml': '<container/>' } }), 'malformed_file'],
  ])('fail with a reason when they hold %s', async (_what, bytes, reason) => {
    await expect(extract(bytes)).rejects.toMatchObject({ name: 'SourceError', reason });
  });
});
