import { describe, expect, it } from 'vitest';

import { extractDocument } from './extract-document.js';

const extract = async (bytes: string | Uint8Array, fileName = 'a.csv', mediaType: string | null = null) =>
  (await extractDocument(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, { fileName, mediaType }))
    .content;

describe('CSV', () => {
  it.each([
    ['commas', 'Name,City\nAnna,Berlin\nBo,Rome', 'a.csv'],
    ['semicolons', 'Name;City\r\nAnna;Berlin\r\nBo;Rome\r\n', 'a.csv'],
    ['tabs', 'Name\tCity\nAnna\tBerlin\nBo\tRome', 'a.tsv'],
    ['bars', 'Name|City\nAnna|Berlin\nBo|Rome', 'a.csv'],
    ['a mark of Excel', '\ufeffsep=;\r\nName;City\r\nAnna;Berlin\r\nBo;Rome', 'a.csv'],
    ['old line ends', 'Name,City\rAnna,Berlin\rBo,Rome', 'a.csv'],
  ])('parted by %s becomes rows that name their columns', async (_what, text, fileName) => {
    expect(await extract(text, fileName)).toBe('- Name: Anna; City: Berlin\n- Name: Bo; City: Rome');
  });

  it('keeps delimiters, quotes and line ends inside quotes, and commas that belong to numbers', async () => {
    const text = 'Item;Note;Price\n"Desk; ""big""";"two\nlines";1,50\nLamp;;2,00';
    expect(await extract(text)).toBe(
      '- Item: Desk; "big"; Note: two lines; Price: 1,50\n- Item: Lamp; Price: 2,00',
    );
  });

  it('reads rows that are too short and too long, and leaves out empty ones', async () => {
    expect(await extract('a,b\n1\n,,\n\n1,2,3')).toBe('- a: 1\n- a: 1; b: 2; 3');
  });

  it('finds the names of the columns below a headline, and does without where there are none', async () => {
    expect(await extract('Prices of 2024,,\nPlan,Price,Seats\nFree,0,1\nPro,20,5')).toBe(
      'Prices of 2024\n\n- Plan: Free; Price: 0; Seats: 1\n- Plan: Pro; Price: 20; Seats: 5',
    );
    expect(await extract('Free,0\nPro,20')).toBe('- Free; 0\n- Pro; 20');
  });

  it.each([
    ['windows-1252', Buffer.from('Stra\xdfe;Gr\xf6\xdfe\nx;y', 'latin1'), null],
    ['UTF-16', Buffer.from('\ufeffStraße;Größe\nx;y', 'utf16le'), null],
    [
      'a declared charset',
      Buffer.from('Stra\xdfe;Gr\xf6\xdfe\nx;y', 'latin1'),
      'text/csv; charset=iso-8859-15',
    ],
  ])('is read in %s', async (_charset, bytes, mediaType) => {
    expect(await extract(bytes, 'a.csv', mediaType)).toBe('- Straße: x; Größe: y');
  });

  it('gives its text even where a quote is never closed or stands in the way', async () => {
    expect(await extract('a,b\n"1,2\n3,4')).toBe('- a: 1; b: 2\n- a: 3; b: 4');
    expect(await extract('a,b\n1"x,2')).toBe('- a: 1"x; b: 2');
    const long = await extract(`a,b\n"${'1,2\n'.repeat(400_000)}`);
    expect(long.slice(0, 25)).toBe('- a: 1; b: 2\n- a: 1; b: 2');
  });

  it('parts a row that is too long for a chunk and says in each part whose row it is', async () => {
    const columns = Array.from({ length: 40 }, (_, index) => `column ${index}`);
    const cells = columns.map((_, index) => (index === 0 ? 'Anna' : 'x'.repeat(60)));
    const lines = (await extract(`${columns.join(',')}\n${cells.join(',')}`)).split('\n');
    expect(lines.length).toBe(3);
    expect(lines.every((line) => line.startsWith('- column 0: Anna; column ') && line.length < 1_200)).toBe(
      true,
    );
  });
});
