import { gzipSync, strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';

import { buildDocx, docxParagraph } from '#test/fixtures/build-docx.js';
import { buildEpub } from '#test/fixtures/build-epub.js';
import { buildPdf, pdfLines } from '#test/fixtures/build-pdf.js';
import { buildPptx, pptxShape } from '#test/fixtures/build-pptx.js';
import { buildXlsx } from '#test/fixtures/build-xlsx.js';

import { extractDocument } from './extract-document.js';

const DOCX_TYPE = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 1, 2, 3, 4]);
const OLE = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0, 0, 0]);
const ENCRYPTED_OFFICE = Buffer.concat([OLE, Buffer.from('EncryptedPackage', 'utf16le')]);
const RANDOM = Buffer.from(
  Array.from({ length: 4_000 }, (_, index) => (index * index * 31 + index * 17) % 256),
);
const HTML = '<!-- x --><!DOCTYPE html><title>T</title><p>A page of its own.</p>';

const pdf = () => buildPdf([pdfLines(['From the PDF.'])]);
const xlsx = () => buildXlsx([{ name: 'Sheet', rows: [['From', 'Excel']] }]);
const pptx = () => buildPptx([{ shapes: pptxShape(['From PowerPoint.']) }]);
const epub = () => buildEpub({ 'one.xhtml': '<p>From a book.</p>' });
const docx = () => buildDocx(docxParagraph('From Word.'));

describe('extractDocument', () => {
  it.each([
    [pdf(), 'a.docx', DOCX_TYPE, 'plain', 'From the PDF.'],
    [Buffer.concat([Buffer.from('\n\n'), pdf()]), 'a', null, 'plain', 'From the PDF.'],
    [docx(), 'a.pdf', 'application/pdf', 'markdown', 'From Word.'],
    [docx(), null, 'application/octet-stream', 'markdown', 'From Word.'],
    [strToU8(HTML), 'a.txt', 'text/plain', 'markdown', 'A page of its own.'],
    [strToU8('<p>A fragment</p>'), null, null, 'markdown', 'A fragment'],
    [strToU8('<p>A fragment</p>'), 'a.md', null, 'markdown', '<p>A fragment</p>'],
    [strToU8('no markup, a < b'), 'a.html', 'text/html', 'plain', 'no markup, a < b'],
    [strToU8('**x**'), 'a.MD', null, 'markdown', '**x**'],
    [strToU8('**x**'), 'notes', 'text/markdown', 'markdown', '**x**'],
    [strToU8('**x**'), 'a.txt', 'text/markdown', 'plain', '**x**'],
    [strToU8('a,b\n1,2'), 'a.csv', 'application/vnd.ms-excel', 'markdown', '- a: 1; b: 2'],
    [strToU8('a,b\n1,2'), null, 'text/csv; charset=utf-8', 'markdown', '- a: 1; b: 2'],
    [strToU8('a,b\n1,2'), null, null, 'plain', 'a,b\n1,2'],
    [strToU8('{"a": 1}'), 'a.json', null, 'markdown', 'a: 1'],
    [strToU8('{"a": 1}'), null, 'application/json', 'markdown', 'a: 1'],
    [strToU8('{"a": 1}'), 'a.txt', null, 'plain', '{"a": 1}'],
    [strToU8(HTML), 'a.csv', 'text/csv', 'markdown', 'A page of its own.'],
    [xlsx(), 'a.zip', 'application/zip', 'markdown', '# Sheet\n\n- From; Excel'],
    [pptx(), 'a.docx', DOCX_TYPE, 'markdown', 'From PowerPoint.'],
    [epub(), null, null, 'markdown', 'From a book.'],
    [strToU8('SQLite and RIFF are names'), null, null, 'plain', 'SQLite and RIFF are names'],
  ])('tells the format by content (%#)', async (bytes, fileName, mediaType, format, content) => {
    expect(await extractDocument(bytes, { fileName, mediaType })).toMatchObject({ format, content });
  });

  it.each([
    [new Uint8Array(), 'a.txt', null, 'empty', '0 bytes'],
    [strToU8(' \n\u200b '), 'a.txt', null, 'empty', 'no text'],
    [PNG, 'a.png', 'image/png', 'unsupported_type', 'a PNG image'],
    [RANDOM, 'a.bin', null, 'unsupported_type', 'unknown binary format'],
    [gzipSync(strToU8('text')), 'a.txt', 'text/plain', 'unsupported_type', 'a gzip archive'],
    [OLE, 'a.doc', 'application/msword', 'unsupported_type', 'old Office file'],
    [OLE, 'a.xls', 'application/vnd.ms-excel', 'unsupported_type', 'save it as .docx, .xlsx or .pptx'],
    [OLE, 'a.docx', DOCX_TYPE, 'unsupported_type', 'save it as .docx, .xlsx or .pptx'],
    [ENCRYPTED_OFFICE, 'a.xlsx', null, 'encrypted', 'password'],
    [
      zipSync({ 'content.xml': strToU8('<p/>') }),
      'a.pptx',
      null,
      'malformed_file',
      'a PowerPoint presentation',
    ],
    [xlsx().subarray(0, 900), 'a.xlsx', null, 'malformed_file', 'calls itself an Excel workbook'],
    [strToU8(String.raw`{\rtf1 text}`), 'a.rtf', null, 'unsupported_type', 'Rich Text'],
    [
      zipSync({ 'content.xml': strToU8('<p/>') }),
      'a.odt',
      null,
      'unsupported_type',
      'zip archive of another kind, which cannot be read. Upload a PDF, Word, PowerPoint, Excel, EPUB, CSV, JSON,',
    ],
    [ENCRYPTED_OFFICE, 'a.docx', DOCX_TYPE, 'encrypted', 'password'],
    [
      strToU8('only words'),
      'a.pdf',
      null,
      'malformed_file',
      'calls itself a PDF, but its content is plain text',
    ],
    [strToU8(HTML), 'a.pdf', 'application/pdf', 'malformed_file', 'but its content is a web page'],
    [RANDOM, 'a.pdf', null, 'malformed_file', 'unknown binary format'],
    [strToU8('only words'), null, 'application/pdf', 'malformed_file', 'plain text'],
    [PNG, 'a.docx', null, 'malformed_file', 'calls itself a Word document, but its content is a PNG image'],
    [docx().subarray(0, 500), 'a.docx', null, 'malformed_file', 'zip archive'],
  ])('refuses with a reason and a message (%#)', async (bytes, fileName, mediaType, reason, message) => {
    await expect(extractDocument(bytes, { fileName, mediaType })).rejects.toMatchObject({
      name: 'SourceError',
      reason,
      message: expect.stringContaining(message),
    });
  });

  it('cuts a title that is no title, between characters', async () => {
    const { title } = await extractDocument(strToU8(`# ${'😀'.repeat(400)}\n\nx`), {
      fileName: 'a.md',
      mediaType: null,
    });
    expect(title).toBe('😀'.repeat(300));
  });
});
