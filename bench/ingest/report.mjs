// Tables for people, and all figures as JSON in a temporary file.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe } from '../botbase.mjs';

export const MEBIBYTE = 1024 * 1024;

/** Not that of `TMPDIR`, which with-services.sh takes away at its end. */
const KEPT_IN = '/var/tmp';

/** Prints rows in columns; the first row is the head. */
export function printTable(title, rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => `${row[column]}`.length)));
  const lineOf = (row) => `| ${row.map((cell, column) => `${cell}`.padEnd(widths[column])).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  console.log(`\n${title}\n\n${[lineOf(rows[0]), rule, ...rows.slice(1).map(lineOf)].join('\n')}`);
}

/** Writes the figures of a row, and prints where to. */
export async function keepFigures(row, figures) {
  const path = join(await mkdtemp(join(KEPT_IN, 'botbase-bench-')), `${row}.json`);
  await writeFile(path, JSON.stringify(figures, null, 1));
  console.log(`\n${row}: all figures in ${path}`);
}

/** `median (least to most)` of one figure of several runs; one run is told without a range. */
export function over(runs, figure, digits = 1) {
  const values = runs.map(figure);
  return values.length === 1 ? values[0].toFixed(digits) : describe(values, digits);
}

export const mebibytes = (bytes) => Math.round(bytes / MEBIBYTE);

/** CPU seconds by process as one cell. */
export function cpuCell(runs, names) {
  return names.map((name) => over(runs, (run) => run.cpu[name])).join(' / ');
}
