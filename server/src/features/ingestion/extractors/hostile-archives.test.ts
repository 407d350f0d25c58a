import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';

import { buildDocx, docxParagraph } from '#test/fixtures/build-docx.js';
import { buildEpub } from '#test/fixtures/build-epub.js';
import { buildPptx, pptxShape } from '#test/fixtures/build-pptx.js';
import { buildXlsx } from '#test/fixtures/build-xlsx.js';
import { directoryEntryOf, withZip64Size } from '#test/fixtures/forge-zip.js';

import { extractDocument } from './extract-document.js';

type Build = (parts: Record<string, string>) => Uint8Array;

/** A good file of each kind that is an archive, with parts added or replaced, and the part that holds its text. */
const ARCHIVES: [extension: string, part: string, build: Build][] = [
  ['docx', 'word/document.xml', (parts) => buildDocx(docxParagraph('good'), parts)],
  ['xlsx', 'xl/worksheets/sheet1.xml', (parts) => buildXlsx([{ name: 'A', rows: [['good']] }], { parts })],
  ['pptx', 'ppt/slides/slide1.xml', (parts) => buildPptx([{ shapes: pptxShape(['good']) }], parts)],
  ['epub', 'OEBPS/text/a.xhtml', (parts) => buildEpub({ 'a.xhtml': '<p>good</p>' }, { parts })],
];

const extract = (bytes: Uint8Array, extension: string) =>
  extractDocument(bytes, { fileName: `a.${extension}`, mediaType: null });

async function reasonOf(bytes: Uint8Array, extension: string): Promise<string> {
  return extract(bytes, extension).then(
    ({ content }) => `text: ${content}`,
    (error: { name: string; reason: string }) => (error.name === 'SourceError' ? error.reason : error.name),
  );
}

describe.each(ARCHIVES)('an archive of the kind .%s', (extension, part, build) => {
  it('is refused as a bomb: too many parts, too large, or shrunk beyond reason', async () => {
    const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`x/${index}`, '']));
    expect(await reasonOf(build(many), extension)).toBe('too_large');
    const zeros = '\u0000'.repeat(30 * 1024 * 1024);
    expect(await reasonOf(build({ [part]: zeros }), extension)).toBe('too_large');
    expect(await reasonOf(build({ 'media/picture.bin': zeros }), extension)).toBe('too_large');
    expect(await reasonOf(withZip64Size(build({}), part, 2n ** 62n), extension)).toBe('too_large');
  });

  it('is refused when it lies about its parts: sizes, names, overlaps, ways of packing', async () => {
    const forgeries: ((entry: Buffer, other: Buffer) => void)[] = [
      (entry) => entry.writeUInt32LE(3, 24),
      (entry) => entry.writeUInt32LE(0x7ffffff, 20),
      (entry, other) => other.copy(entry, 42, 42, 46),
      (entry) => entry.writeUInt16LE(99, 10),
      (entry) => entry.writeUInt32LE(0xfffffff0, 42),
    ];
    for (const forge of forgeries) {
      const bytes = Buffer.from(build({ 'x/other.xml': '<x/>' }));
      forge(directoryEntryOf(bytes, part), directoryEntryOf(bytes, 'x/other.xml'));
      expect(await reasonOf(new Uint8Array(bytes), extension)).toMatch(/^malformed_file$/);
    }
    const doubled = Buffer.from(build({ 'x/aa.xml': '1', 'x/ab.xml': '2' }));
    directoryEntryOf(doubled, 'x/ab.xml').write('x/aa.xml', 46);
    expect(await reasonOf(new Uint8Array(doubled), extension)).toBe('malformed_file');
  });

  it('is refused wherever it is cut short, and closed where a part is locked', async () => {
    const bytes = build({});
    for (let share = 1; share < 10; share += 1) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * share) / 10));
      expect(await reasonOf(cut, extension)).toBe('malformed_file');
    }
    const locked = Buffer.from(bytes);
    const entry = directoryEntryOf(locked, part);
    entry.writeUInt16LE(entry.readUInt16LE(8) | 1, 8);
    expect(await reasonOf(new Uint8Array(locked), extension)).toBe('encrypted');
  });

  it('may name its parts as it likes, and may hold itself: nothing is written, nothing opened', async () => {
    const self = Buffer.from(build({})).toString('latin1');
    const names = [
      '../../../../tmp/evil.xml',
      '/etc/cron.d/evil',
      String.raw`..\..\evil`,
      'C:\\evil.xml',
      'a\u0000b',
    ];
    const bytes = build({
      ...Object.fromEntries(names.map((name) => [name, '<x/>'])),
      [`inner.${extension}`]: self,
    });
    expect((await extract(bytes, extension)).content).toContain('good');
  });

  it('expands no entity and opens nothing that its XML names', async () => {
    let connections = 0;
    const decoy = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await once(decoy.listen(0, '127.0.0.1'), 'listening');
    const address = `http://127.0.0.1:${(decoy.address() as AddressInfo).port}/x.dtd`;
    const laughs = Array.from(
      { length: 9 },
      (_, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`,
    );
    const types = [
      `<!DOCTYPE x [<!ENTITY l0 "ha">${laughs.join('')}]>`,
      '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>',
      `<!DOCTYPE x [<!ENTITY l9 SYSTEM "${address}">]>`,
      `<!DOCTYPE x [<!ENTITY % p SYSTEM "${address}"> %p;]>`,
      `<!DOCTYPE x SYSTEM "${address}">`,
    ];
    const texts = await Promise.all(
      types.map((type) => reasonOf(build({ [part]: `${type}<x><p>&l9;</p></x>` }), extension)),
    );
    decoy.close();
    await once(decoy, 'close');
    expect(connections).toBe(0);
    // A chapter of a book is read as HTML, which knows no entities but its own and shows others as they are written.
    const expected =
      extension === 'epub' ? /^(?:text: (?:\]>\s*)?(?:%p;\]>\s*)?&l9;|malformed_file)$/ : /^malformed_file$/;
    for (const text of texts) expect(text).toMatch(expected);
  });

  it('is refused when its elements lie 100,000 deep', async () => {
    const deep = `<x>${'<a>'.repeat(100_000)}text${'</a>'.repeat(100_000)}</x>`;
    expect(await reasonOf(build({ [part]: deep }), extension)).toBe('malformed_file');
    const deeper = deep.replaceAll('<a>', '<div>').replaceAll('</a>', '</div>');
    expect(await reasonOf(build({ [part]: deeper }), extension)).toBe('malformed_file');
  });
});

describe('a Word document', () => {
  it('cannot hide a document type behind another charset or a long comment', async () => {
    const type = '<!DOCTYPE x [<!ENTITY a "b">]>';
    const hidden = [
      Buffer.from(`\ufeff<?xml version="1.0" encoding="utf-16"?>${type}<x>&a;</x>`, 'utf16le'),
      Buffer.from(`<!--${'x'.repeat(10_000)}-->${type}<x>&a;</x>`),
    ];
    for (const styles of hidden) {
      const bytes = buildDocx(docxParagraph('good'), { 'word/styles.xml': new Uint8Array(styles) });
      expect(await reasonOf(bytes, 'docx')).toBe('malformed_file');
    }
  });
});

describe('an archive of another kind', () => {
  it('that says it has 60,000 parts is refused before they are counted', async () => {
    const bytes = Buffer.from(zipSync({ a: strToU8('a') }));
    bytes.writeUInt16LE(60_000, bytes.length - 12);
    expect(await reasonOf(new Uint8Array(bytes), 'zip')).toBe('too_large');
  });
});
