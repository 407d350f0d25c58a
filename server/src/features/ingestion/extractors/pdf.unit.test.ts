import { describe, expect, it } from 'vitest';

import { buildPdf, pdfLines } from '#test/fixtures/build-pdf.js';

import { extractDocument } from './extract-document.js';

const extract = (bytes: Uint8Array) => extractDocument(bytes, { fileName: 'a.pdf', mediaType: null });

describe('PDF', () => {
  it('rebuilds paragraphs: wrapped lines joined, parted words mended, other line ends kept', async () => {
    const page = [
      { text: 'Refund policy', x: 72, y: 790, size: 18 },
      ...pdfLines([
        'You may return what you bought within thirty days of the day on which it ar-',
        'rived. The well-known rule is that goods must be unused, and that the well-',
        'known receipt must come with them.',
      ]),
      ...pdfLines(['Opening hours', '- Monday to Friday', '- Saturday'], { top: 700 }),
    ];
    const { content, format } = await extract(buildPdf([page]));
    expect(format).toBe('plain');
    expect(content).toBe(
      'Refund policy\n\nYou may return what you bought within thirty days of the day on which it arrived. The ' +
        'well-known rule is that goods must be unused, and that the well-known receipt must come with them.\n\n' +
        'Opening hours\n- Monday to Friday\n- Saturday',
    );
  });

  it('reads columns one after the other, though drawn line by line across them', async () => {
    const left = Array.from({ length: 6 }, (_, index) => `left column line ${index} full of words`);
    const right = Array.from({ length: 6 }, (_, index) => `Right column line ${index} full of words`);
    const interleaved = left.flatMap((text, index) => [
      { text, x: 72, y: 700 - index * 14 },
      { text: right[index]!, x: 320, y: 700 - index * 14 },
    ]);
    const page = [
      { text: 'A title across both of the columns of the page', x: 72, y: 740, size: 18 },
      ...interleaved,
    ];
    const { content } = await extract(buildPdf([page]));
    expect(content).toBe(
      `A title across both of the columns of the page\n\n${left.join(' ')}\n\n${right.join(' ')}`,
    );
  });

  it('keeps the rows of a table on their lines', async () => {
    const rows = [
      ['Plan', 'Price', 'Messages'],
      ['Free', '$0', '100'],
      ['Pro', '$20', '10,000'],
    ];
    const page = rows.flatMap((cells, y) =>
      cells.map((text, x) => ({ text, x: 72 + x * 150, y: 700 - y * 14 })),
    );
    expect((await extract(buildPdf([page]))).content).toBe(
      'Plan  Price  Messages\nFree  $0  100\nPro  $20  10,000',
    );
  });

  it('puts what was drawn first, but stands below, below; and draws a text once', async () => {
    const page = [
      { text: 'Foot of the page', x: 72, y: 60 },
      { text: 'First', x: 72, y: 700 },
      { text: 'First', x: 72.3, y: 700 },
    ];
    expect((await extract(buildPdf([page]))).content).toBe('First\n\nFoot of the page');
  });

  it('parts a raised figure from the number before it', async () => {
    const page = [
      { text: '83,190', x: 72, y: 700, size: 11 },
      { text: '2', x: 105.6, y: 704, size: 7 },
    ];
    expect((await extract(buildPdf([page]))).content).toBe('83,190 2');
  });

  it('records where each page starts, across empty pages, parted words and running heads', async () => {
    const head = (page: number) => ({ text: `Handbook, page ${page} of 4`, x: 72, y: 810, size: 9 });
    const pages = [
      [head(1), ...pdfLines(['The first page ends in the middle of a sentence that goes on,'])],
      [head(2), ...pdfLines(['on the second page, and closes there. The third begins a con-'])],
      [],
      [head(4), ...pdfLines(['tinued word.', 'Last line.'])],
    ];
    const document = await extract(buildPdf(pages, { title: 'Handbook' }));
    expect(document).toMatchObject({ title: 'Handbook', format: 'plain' });
    expect(document.content).toBe(
      'Handbook, page 1 of 4\n\nThe first page ends in the middle of a sentence that goes on, on the second page, ' +
        'and closes there. The third begins a continued word.\nLast line.',
    );
    expect(
      document.pages.map(({ page, start }) => [page, document.content.slice(start, start + 13)]),
    ).toEqual([
      [1, 'Handbook, pag'],
      [2, 'on the second'],
      [4, 'tinued word.\n'],
    ]);
  });

  it.each(['Microsoft Word - draft.doc', 'untitled', 'x', '12345', 'report_final.indd'])(
    'does not take %j for a title',
    async (title) => expect((await extract(buildPdf([pdfLines(['Text'])], { title }))).title).toBe(null),
  );

  it.each([
    ['closed by a password', buildPdf([pdfLines(['secret'])], { encrypted: true }), 'encrypted'],
    ['without text, as a scan is', buildPdf([[], []]), 'empty'],
    ['that is only a header', new Uint8Array(Buffer.from('%PDF-1.7\n')), 'malformed_file'],
    [
      'of random bytes',
      new Uint8Array(Buffer.from(`%PDF-1.4\n${'\u00d8\u0001q>>'.repeat(500)}`)),
      'malformed_file',
    ],
  ])('fails with a reason when it is one %s', async (_what, bytes, reason) => {
    await expect(extract(bytes)).rejects.toMatchObject({ name: 'SourceError', reason });
  });

  it('reads a file whose table of contents is wrong, and refuses one that was cut short', async () => {
    const bytes = buildPdf([pdfLines(['Still here.'])]);
    const shifted = Buffer.from(bytes)
      .toString('latin1')
      .replace(/startxref\n\d+/, 'startxref\n7');
    expect((await extract(new Uint8Array(Buffer.from(shifted, 'latin1')))).content).toBe('Still here.');
    const cut = extract(bytes.subarray(0, bytes.length - 200));
    await expect(cut).rejects.toMatchObject({ name: 'SourceError', reason: 'malformed_file' });
  });
});
