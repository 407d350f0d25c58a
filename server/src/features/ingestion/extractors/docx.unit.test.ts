import { describe, expect, it } from 'vitest';

import { buildDocx, docxParagraph, docxTable } from '#test/fixtures/build-docx.js';

import { extractDocument } from './extract-document.js';

const extract = (bytes: Uint8Array) => extractDocument(bytes, { fileName: 'a.docx', mediaType: null });
const core = (title: string) => ({
  'docProps/core.xml': `<cp:coreProperties xmlns:dc="x" xmlns:cp="y"><dc:title>${title}</dc:title></cp:coreProperties>`,
});

describe('Word documents', () => {
  it('keep headings, emphasis as text, and tables', async () => {
    const body =
      docxParagraph('Refunds', 'Heading1') +
      '<w:p><w:r><w:t xml:space="preserve">Within </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>30</w:t></w:r>' +
      '<w:r><w:t xml:space="preserve"> days_of_buying *.</w:t></w:r></w:p>' +
      docxParagraph('By plan', 'Heading2') +
      docxTable([
        ['Plan', 'Days'],
        ['Pro | Team', '60'],
      ]);
    await expect(extract(buildDocx(body))).resolves.toEqual({
      title: 'Refunds',
      content:
        '# Refunds\n\nWithin 30 days_of_buying *.\n\n## By plan\n\n| Plan | Days |\n| --- | --- |\n| Pro \\| Team | 60 |',
      format: 'markdown',
      pages: [],
    });
  });

  it('take their title from the properties, unless a program put it there', async () => {
    const body = docxParagraph('Heading', 'Heading1');
    expect((await extract(buildDocx(body, core('Terms &amp; conditions')))).title).toBe('Terms & conditions');
    expect((await extract(buildDocx(body, core('Document1')))).title).toBe('Heading');
    expect((await extract(buildDocx(docxParagraph('x')))).title).toBe(null);
  });

  it('open no file and no address that a picture points to', async () => {
    const picture =
      '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">' +
      '<a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData>' +
      '<pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill>' +
      '<a:blip r:link="rId9"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>';
    const relationships =
      '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">' +
      '<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" ' +
      'Target="file:///dev/zero" TargetMode="External"/></Relationships>';
    const bytes = buildDocx(picture + docxParagraph('after'), {
      'word/_rels/document.xml.rels': relationships,
    });
    expect((await extract(bytes)).content).toBe('after');
  });

  it.each([
    ['no text', buildDocx(''), 'empty'],
    ['broken XML', buildDocx('', { 'word/document.xml': '<w:document><w:body>' }), 'malformed_file'],
    [
      'a document type',
      buildDocx('', { 'word/styles.xml': '<!DOCTYPE x [<!ENTITY a "b">]><x/>' }),
      'malformed_file',
    ],
    ['a bomb', withDeclaredSizes(buildDocx(''), 'word/styles.xml', 300 * 1024 * 1024), 'too_large'],
    ['too many parts', buildDocx('', manyParts(10_001)), 'too_large'],
  ])('fail with a reason when they hold %s', async (_what, bytes, reason) => {
    await expect(extract(bytes)).rejects.toMatchObject({ name: 'SourceError', reason });
  });

  it('unpack no part beyond the size that it declares', async () => {
    const bytes = buildDocx(docxParagraph('x'.repeat(5_000_000)));
    const forged = withDeclaredSizes(bytes, 'word/document.xml', 1_000);
    await expect(extract(forged)).rejects.toMatchObject({ reason: 'malformed_file' });
  });
});

function manyParts(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`word/part${index}.xml`, '']));
}

/** Rewrites the unpacked size in the zip's directory (APPNOTE 4.3.12): at 24 bytes, the name at 46. */
function withDeclaredSizes(bytes: Uint8Array, name: string, size: number): Uint8Array {
  const zip = Buffer.from(bytes);
  const entry = zip.lastIndexOf(Buffer.from(name)) - 46;
  if (zip.readUInt32LE(entry) !== 0x02014b50) throw new Error('no directory entry');
  zip.writeUInt32LE(size, entry + 24);
  return new Uint8Array(zip);
}
