import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

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

  it('keep nested and numbered lists, footnotes, endnotes, links and text boxes', async () => {
    const item = (text: string, list: number, level: number) =>
      `<w:p><w:pPr><w:numPr><w:ilvl w:val="${level}"/><w:numId w:val="${list}"/></w:numPr></w:pPr><w:r><w:t>${text}</w:t></w:r></w:p>`;
    const body =
      item('first', 1, 0) +
      item('inner', 2, 1) +
      item('second', 1, 0) +
      '<w:p><w:r><w:t xml:space="preserve">See </w:t></w:r><w:hyperlink r:id="rLink"><w:r><w:t>the rules</w:t></w:r></w:hyperlink>' +
      '<w:r><w:t xml:space="preserve"> or </w:t></w:r><w:hyperlink r:id="rLink"><w:r><w:t>https://example.com/a_(b)</w:t></w:r></w:hyperlink>' +
      '<w:r><w:t>.</w:t></w:r><w:r><w:footnoteReference w:id="5"/></w:r><w:r><w:endnoteReference w:id="6"/></w:r></w:p>' +
      '<w:p><w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p>' +
      '</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>';
    const { content } = await extract(buildDocx(body, withNotesAndLists()));
    expect(content).toBe(
      '1. first\n   - inner\n2. second\n\nSee [the rules](https://example.com/a_%28b%29) or https://example.com/a_(b).[1][2]\n\n' +
        'In a box\n\n1. The footnote.\n2. The endnote.',
    );
  });

  it.each(['docm', 'dotx'])('are read as .%s too', async (extension) => {
    const document = await extractDocument(buildDocx(docxParagraph('text')), {
      fileName: `a.${extension}`,
      mediaType: 'application/vnd.ms-word.document.macroEnabled.12',
    });
    expect(document.content).toBe('text');
  });

  it('open no file and no address that a picture, a template or an object points to', async () => {
    let connections = 0;
    const decoy = createServer(() => (connections += 1));
    await once(decoy.listen(0, '127.0.0.1'), 'listening');
    const address = `http://127.0.0.1:${(decoy.address() as AddressInfo).port}/x.png`;
    for (const target of [address, 'file:///etc/passwd', '/etc/passwd', '../../../../../etc/passwd']) {
      for (const kind of ['link', 'embed']) {
        const bytes = buildDocx(`${picture(kind)}${docxParagraph('after')}`, {
          'word/_rels/document.xml.rels': externalRelationships(target),
          'word/_rels/settings.xml.rels': externalRelationships(target),
        });
        expect((await extract(bytes)).content).toBe('after');
      }
    }
    decoy.close();
    await once(decoy, 'close');
    expect(connections).toBe(0);
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

function picture(kind: string): string {
  return (
    '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">' +
    '<a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:graphicData>' +
    '<pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:blipFill>' +
    `<a:blip r:${kind}="rId9"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>`
  );
}

const RELATIONSHIP = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

function externalRelationships(target: string): string {
  const kinds = ['image', 'attachedTemplate', 'oleObject'].map(
    (kind, index) =>
      `<Relationship Id="rId${9 + index}" Type="${RELATIONSHIP}/${kind}" Target="${target}" TargetMode="External"/>`,
  );
  return `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${kinds.join('')}</Relationships>`;
}

function withNotesAndLists(): Record<string, string> {
  const namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
  const note = (kind: string, id: number) =>
    `<w:${kind}s ${namespace}><w:${kind} w:id="${id}"><w:p><w:r><w:t>The ${kind}.</w:t></w:r></w:p></w:${kind}></w:${kind}s>`;
  const list = (id: number, format: string) =>
    `<w:abstractNum w:abstractNumId="${id}">${[0, 1].map((level) => `<w:lvl w:ilvl="${level}"><w:numFmt w:val="${format}"/></w:lvl>`).join('')}</w:abstractNum>`;
  const use = (id: number) => `<w:num w:numId="${id}"><w:abstractNumId w:val="${id}"/></w:num>`;
  const parts = ['numbering', 'footnotes', 'endnotes'].map(
    (kind) => `<Relationship Id="${kind}" Type="${RELATIONSHIP}/${kind}" Target="${kind}.xml"/>`,
  );
  return {
    'word/numbering.xml': `<w:numbering ${namespace}>${list(1, 'decimal')}${list(2, 'bullet')}${use(1)}${use(2)}</w:numbering>`,
    'word/footnotes.xml': note('footnote', 5),
    'word/endnotes.xml': note('endnote', 6),
    'word/_rels/document.xml.rels':
      '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">' +
      `<Relationship Id="rLink" Type="${RELATIONSHIP}/hyperlink" Target="https://example.com/a_(b)" TargetMode="External"/>${parts.join('')}</Relationships>`,
  };
}
