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

  const grid = (rows: string[][], { x = 72, top = 700, width = 150, leading = 14 } = {}) =>
    rows.flatMap((cells, row) =>
      cells.flatMap((text, column) =>
        text === '' ? [] : [{ text, x: x + column * width, y: top - row * leading }],
      ),
    );

  it('writes a grid as a table, in whatever order its cells are drawn, apart from the text around it', async () => {
    const rows = [
      ['Plan', 'Price', 'Messages'],
      ['Free', '$0', '100'],
      ['Pro', '', '10,000'],
      ['Team | all', '$50', ''],
    ];
    const cells = grid(rows, { top: 740 });
    const byColumn = cells.toSorted((a, b) => a.x - b.x);
    const table =
      '| Plan | Price | Messages |\n| --- | --- | --- |\n| Free | $0 | 100 |\n| Pro |  | 10,000 |\n| Team \\| all | $50 |  |';
    for (const drawn of [cells, byColumn]) {
      const page = [...pdfLines(['Our prices']), ...drawn, ...pdfLines(['# No heading'], { top: 600 })];
      const document = await extract(buildPdf([page]));
      expect(document.format).toBe('markdown');
      expect(document.content).toBe(`Our prices\n\n${table}\n\n\\# No heading`);
    }
  });

  it('joins the lines of a cell, and parts two tables', async () => {
    const first = grid([
      ['Plan', 'What it is for'],
      ['Free', 'to look around and to'],
      ['', 'try what it does'],
      ['Pro', 'to work'],
    ]);
    const second = grid(
      [
        ['City', 'Open'],
        ['Rome', '9-17'],
        ['Oslo', '8-16'],
      ],
      { top: 600 },
    );
    expect((await extract(buildPdf([[...first, ...second]]))).content).toBe(
      '| Plan | What it is for |\n| --- | --- |\n| Free | to look around and to try what it does |\n| Pro | to work |\n\n' +
        '| City | Open |\n| --- | --- |\n| Rome | 9-17 |\n| Oslo | 8-16 |',
    );
  });

  it('takes neither an index nor narrow columns of prose for a table', async () => {
    const entries = (letter: string) =>
      Array.from({ length: 4 }, (_, index) => `${letter} long entry ${index}, 12`);
    const index = [...pdfLines(entries('A')), ...pdfLines(entries('B'), { x: 320 })];
    expect((await extract(buildPdf([index]))).content).toBe(
      `${entries('A').join(' ')}\n\n${entries('B').join(' ')}`,
    );
    const prose = grid(
      Array.from({ length: 4 }, (_, row) =>
        ['a', 'b', 'c'].map((name) => `${name} line ${row} of a narrow column`),
      ),
      { width: 170 },
    );
    expect((await extract(buildPdf([prose]))).content).not.toContain('| --- |');
  });

  it('keeps the cells of a lone row on one line', async () => {
    expect((await extract(buildPdf([grid([['Name', 'Anna']])]))).content).toBe('Name | Anna');
  });

  it('makes the lines that bookmarks name headings', async () => {
    const first = [
      { text: '1 Start', x: 72, y: 790, size: 18 },
      ...pdfLines(['Text of the start.', 'Start'], { top: 750 }),
    ];
    const second = [
      { text: 'A long title that', x: 72, y: 790, size: 14 },
      { text: 'goes on', x: 72, y: 774, size: 14 },
      ...pdfLines(['More text.'], { top: 740 }),
    ];
    const bookmarks = [
      { title: 'Start', page: 0, level: 1 },
      { title: 'A long title that goes on', page: 1, level: 2 },
      { title: 'Nowhere to be found', page: 1, level: 1 },
    ];
    const document = await extract(buildPdf([first, second], { bookmarks }));
    expect(document.format).toBe('markdown');
    expect(document.content).toBe(
      '# 1 Start\n\nText of the start. Start\n\n## A long title that goes on\n\nMore text.',
    );
    expect(document.pages[1]).toEqual({ page: 2, start: document.content.indexOf('## A long') });
  });

  it('opens a file that is encrypted with no password but for printing', async () => {
    const bytes = buildPdf([pdfLines(['Free to read.'])], { ownerPassword: 'secret' });
    expect((await extract(bytes)).content).toBe('Free to read.');
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

  it('says of a scan that it holds only images and that no text is recognised here', async () => {
    await expect(extract(buildPdf([[]]))).rejects.toMatchObject({
      message: expect.stringMatching(/holds only images, and there is no text recognition/),
    });
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
