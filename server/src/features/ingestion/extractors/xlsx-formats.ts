import { readXml } from './read-xml.js';
import type { ZipArchive } from './zip-archive.js';

/** Writes a number as its cell shows it. */
export type CellFormat = (value: number) => string;

/** Built-in formats that show dates or times (ECMA-376 part 1, 18.8.30), those of East Asian locales included. */
const BUILT_IN_DATES = [
  [14, 22],
  [27, 36],
  [45, 47],
  [50, 58],
] as const;
const BUILT_IN_PERCENTS = new Set([9, 10]);
const SECONDS_PER_DAY = 86_400;
/** Serial numbers count days from here, because 1900 was once taken for a leap year. */
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);
/** 31 December 9999. */
const LAST_SERIAL = 2_958_465;
const SIGNIFICANT_DIGITS = 15;

/** How each cell style of a workbook shows numbers: as dates, percents, or as they are. */
export function readCellFormats(archive: ZipArchive, part: string, isDate1904: boolean): CellFormat[] {
  const codes = new Map<number, string>();
  const formats: CellFormat[] = [];
  let isCellStyle = false;
  const xml = archive.readOrNull(part);
  if (xml === null) return formats;
  readXml(xml, {
    open: (name, attributes) => {
      if (name === 'numFmt') codes.set(Number(attributes['numFmtId']), attributes['formatCode'] ?? '');
      if (name === 'cellXfs') isCellStyle = true;
      if (name !== 'xf' || !isCellStyle) return;
      const id = Number(attributes['numFmtId'] ?? 0);
      formats.push(formatOf(id, codes.get(id), isDate1904 ? EPOCH_1904 : EPOCH_1900));
    },
    close: (name) => {
      if (name === 'cellXfs') isCellStyle = false;
    },
  });
  return formats;
}

function formatOf(id: number, code: string | undefined, epoch: number): CellFormat {
  // What is quoted, escaped or in brackets is no code; only hours in brackets are (`[h]:mm`).
  const bare = (code ?? '')
    .split(';', 1)[0]!
    .replace(/"[^"]*"|\\.|_.|\*./g, '')
    .replace(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '');
  const isBuiltInDate = BUILT_IN_DATES.some(([from, to]) => id >= from && id <= to);
  if (code === undefined ? isBuiltInDate : /[ymdhs]/i.test(bare) && !/general/i.test(bare)) {
    return (value) => dateText(value, epoch);
  }
  if (code === undefined ? BUILT_IN_PERCENTS.has(id) : bare.includes('%')) {
    return (value) => `${plainNumber(value * 100)}%`;
  }
  return plainNumber;
}

/** A number without the digits that its binary form adds: Excel shows 15 at most. */
export function plainNumber(value: number): string {
  return String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
}

/** `2024-03-01`, `2024-03-01 14:30`, or `14:30` for a time without a day. */
function dateText(serial: number, epoch: number): string {
  if (serial < 0 || serial > LAST_SERIAL) return plainNumber(serial);
  const seconds = Math.round(serial * SECONDS_PER_DAY);
  const date = new Date(epoch + seconds * 1000).toISOString();
  const time = date.slice(11, date.slice(17, 19) === '00' ? 16 : 19);
  if (seconds < SECONDS_PER_DAY) return time;
  return seconds % SECONDS_PER_DAY === 0 ? date.slice(0, 10) : `${date.slice(0, 10)} ${time}`;
}
