import { Readable } from 'node:stream';
import { deflateSync } from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { createDocumentExtractor } from '#providers/document-extractor/document-extractor.js';
import { builtEntry } from '#test/built-entry.js';
import { buildDocx, docxParagraph } from '#test/fixtures/build-docx.js';
import { buildPdf, buildPdfOf } from '#test/fixtures/build-pdf.js';
import { buildXlsx } from '#test/fixtures/build-xlsx.js';

const MEBIBYTE = 1024 * 1024;
const DRAWN = 'BT /F1 11 Tf 1 0 0 1 72 700 Tm (a) Tj ET\n';
const never = new AbortController().signal;

/** The real process, held to 30 seconds and 512 MiB, of which 200 are its tables of tokens. */
const extractor = createDocumentExtractor({
  ...builtEntry('app/extraction-process'),
  timeoutMs: 30_000,
  maxResidentBytes: 512 * MEBIBYTE,
  maxInputBytes: 50 * MEBIBYTE,
  maxOutputCharacters: 50 * MEBIBYTE,
  concurrency: 2,
});

function extract(bytes: Uint8Array, fileName: string) {
  return extractor.extract(
    { body: Readable.from([Buffer.from(bytes)]), kind: 'file', fileName, mediaType: null },
    never,
  );
}

async function reasonOf(bytes: Uint8Array, fileName: string): Promise<string> {
  return extract(bytes, fileName).then(
    ({ content }) => `text of ${content.length} characters`,
    (error: { name: string; reason: string }) => (error.name === 'SourceError' ? error.reason : error.name),
  );
}

describe('a PDF', () => {
  it.each([
    ['of drawing', '/FlateDecode', () => deflateSync(Buffer.from(DRAWN.repeat(2_000_000)))],
    [
      'packed twice',
      '[/FlateDecode /FlateDecode]',
      () => deflateSync(deflateSync(Buffer.alloc(1_024 * MEBIBYTE))),
    ],
  ])('whose content unpacks to hundreds of megabytes %s ends with a reason', async (_what, filter, pack) => {
    const bomb = pack();
    expect(bomb.length).toBeLessThan(MEBIBYTE);
    expect(await reasonOf(buildPdfOf(bomb, filter), 'a.pdf')).toMatch(
      /^(?:parser_out_of_memory|timeout|too_large|empty|text of \d+ characters)$/,
    );
  });

  it.each([
    ['arrays 100,000 deep', `${'['.repeat(100_000)}${']'.repeat(100_000)} TJ`],
    ['dictionaries 100,000 deep', `/P ${'<</a '.repeat(100_000)}1${'>>'.repeat(100_000)} BDC EMC`],
    ['states 20,000 deep', 'q '.repeat(20_000)],
  ])('with %s ends with a reason', async (_what, stream) => {
    const bytes = buildPdfOf(Buffer.from(stream), null);
    expect(await reasonOf(bytes, 'a.pdf')).toMatch(/^(?:empty|malformed_file|parser_crashed|timeout)$/);
  });

  it('whose pages are its own parents, or whose bookmarks run in a circle, ends', async () => {
    const bytes = Buffer.from(buildPdf([[{ text: 'text', x: 72, y: 700 }]])).toString('latin1');
    const circular = bytes.replace('/Kids [5 0 R]', '/Kids [2 0 R]');
    expect(await reasonOf(Buffer.from(circular, 'latin1'), 'a.pdf')).toMatch(/^(?:malformed_file|empty)$/);
    const outlined = buildPdf([[{ text: 'Start', x: 72, y: 700 }]], {
      bookmarks: [
        { title: 'Start', page: 0, level: 1 },
        { title: 'Start', page: 0, level: 1 },
      ],
    });
    const looped = Buffer.from(outlined).toString('latin1').replace('/Next 9 0 R', '/Next 8 0 R');
    expect(looped).not.toBe(Buffer.from(outlined).toString('latin1'));
    const document = await extract(Buffer.from(looped, 'latin1'), 'a.pdf');
    expect(document.content).toBe('# Start');
  });
});

describe('a large file', () => {
  it('of Excel with a sheet of 10 MB is read within 512 MiB', async () => {
    const rows = Array.from({ length: 60_000 }, (_, y) => [`Item ${y}`, y * 1.5, `Place ${y % 97}`, y]);
    const bytes = buildXlsx([{ name: 'Stock', rows: [['Item', 'Price', 'Place', 'Count'], ...rows] }]);
    const { content } = await extract(bytes, 'a.xlsx');
    expect(content.length).toBeGreaterThan(2_500_000);
    expect(content.split('\n').at(-1)).toBe(
      '- Item: Item 59999; Price: 89998.5; Place: Place 53; Count: 59999',
    );
  });

  it('of Excel that is mostly air ends with a reason or its text', async () => {
    // Below the ratio at which an archive is refused, and below its largest size.
    const cells = Array.from(
      { length: 40_000 },
      (_, index) => `<row r="${index}"><c s="${(index * 7919) % 65_536}"/></row>`,
    );
    const sheet = `<worksheet><sheetData>${cells.join('').repeat(60)}</sheetData></worksheet>`;
    const bytes = buildXlsx([{ name: 'A', rows: [] }], { parts: { 'xl/worksheets/sheet1.xml': sheet } });
    expect(sheet.length).toBeGreaterThan(70 * MEBIBYTE);
    expect(await reasonOf(bytes, 'a.xlsx')).toMatch(/^(?:empty|too_large)$/);
  });

  it('of Word with a text of 20 MB ends with its text or a reason', async () => {
    const bytes = buildDocx(docxParagraph('many words '.repeat(20)).repeat(65_000));
    expect(await reasonOf(bytes, 'a.docx')).toMatch(
      /^(?:parser_out_of_memory|timeout|too_large|text of \d+ characters)$/,
    );
  });

  it.each([
    ['a.csv', () => `a,b\n"${'x,y\n'.repeat(5_000_000)}`],
    ['a.csv', () => `${'"",'.repeat(3_000_000)}\n`],
    ['a.json', () => '['.repeat(20_000_000)],
    ['a.json', () => `[${'{},'.repeat(4_000_000)}1]`],
    [
      'a.json',
      () => `{${Array.from({ length: 400_000 }, (_, index) => `"k${index}":{"a":[[1]]}`).join(',')}}`,
    ],
    ['a.jsonl', () => '{"a":{"b":1}}\n'.repeat(500_000)],
  ])('of the kind %s ends with its text or a reason (%#)', async (fileName, build) => {
    expect(await reasonOf(Buffer.from(build()), fileName)).toMatch(
      /^(?:parser_out_of_memory|timeout|too_large|malformed_file|empty|text of \d+ characters)$/,
    );
  });
});
