import { parse } from 'csv-parse';

import { charsetOfMediaType, decodeText } from './decode-text.js';
import type { Extractor } from './extractor.js';
import { normalizeText } from './normalize-text.js';
import { refuseBinary } from './plain-text.js';
import { createRowWriter } from './row-writer.js';

const DELIMITERS = [',', ';', '\t', '|'];
const SAMPLE_LINES = 20;
const SAMPLE_CHARACTERS = 65_536;
/** A longer record is a quote that was never closed. */
const MAX_RECORD_CHARACTERS = 1024 * 1024;
/** Excel's own way to say what parts the fields. */
const DELIMITER_LINE = /^sep=([,;\t|])\r?\n/i;

/** Reads comma-separated values, whatever separates them, as rows that say the names of their columns. */
export const extractCsv: Extractor = async (bytes, hints) => {
  const text = decodeText(bytes, charsetOfMediaType(hints.mediaType)).replace(/^\ufeff/, '');
  refuseBinary(text);
  const said = DELIMITER_LINE.exec(text);
  const table = text.slice(said?.[0].length ?? 0);
  const delimiter = said?.[1] ?? likelyDelimiter(table);
  const rows = await quotedRows(table, delimiter).catch(() => plainRows(table, delimiter));
  return { title: null, content: normalizeText(rows, 'markdown'), format: 'markdown', pages: [] };
};

/** The one that parts the first lines most evenly: as often on each, and often. */
function likelyDelimiter(text: string): string {
  const lines = text
    .slice(0, SAMPLE_CHARACTERS)
    .replace(/"[^"]*"/g, '')
    .split(/\r\n?|\n/)
    .filter((line) => line.trim() !== '')
    .slice(0, SAMPLE_LINES);
  let best = { delimiter: ',', lines: 0, count: 0 };
  for (const delimiter of DELIMITERS) {
    const counts = lines.map((line) => line.split(delimiter).length - 1).toSorted((a, b) => a - b);
    const count = counts[Math.floor(counts.length / 2)] ?? 0;
    const even = count === 0 ? 0 : counts.filter((other) => other === count).length;
    if (even > best.lines || (even === best.lines && count > best.count)) {
      best = { delimiter, lines: even, count };
    }
  }
  return best.delimiter;
}

async function quotedRows(text: string, delimiter: string): Promise<string> {
  const writer = createRowWriter();
  const parser = parse(text, {
    delimiter,
    relax_quotes: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_RECORD_CHARACTERS,
  });
  for await (const row of parser as AsyncIterable<string[]>) writer.write(row);
  return writer.end();
}

/** For a file whose quotes do not match: every line a row, every delimiter the end of a field. */
function plainRows(text: string, delimiter: string): string {
  const writer = createRowWriter();
  for (const line of text.split(/\r\n?|\n/)) {
    writer.write(line.split(delimiter).map((field) => field.replace(/^\s*"|"\s*$/g, '')));
  }
  return writer.end();
}
