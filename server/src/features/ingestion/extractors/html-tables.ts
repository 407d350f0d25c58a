import { type DomElement, inlineText } from './dom.js';

/** A span of thousands of columns is a mistake or an attack. */
const MAX_SPAN = 50;
const MAX_COLUMNS = 200;
/** A cell with more text than this belongs to a page laid out in a table. */
const MAX_CELL_CHARACTERS = 1_500;

/** Whether a table holds data in rows and columns, rather than the layout of a page. */
export function isDataTable(table: DomElement): boolean {
  if (table.getAttribute('role') === 'presentation' || table.querySelector('table') !== null) return false;
  const rows = rowsOf(table).map(cellsOf);
  if (rows.filter((cells) => cells.length > 0).length < 2 || !rows.some((cells) => cells.length > 1))
    return false;
  return !rows.flat().some(isLayoutCell);
}

/** A data table as Markdown (GitHub's tables): the first row is the head; spanned cells repeat their text. */
export function tableToMarkdown(table: DomElement): string {
  const caption = Array.from(table.children).find((child) => child.localName === 'caption');
  const grid = filledGrid(rowsOf(table).map(cellsOf)).filter((row) => row.some((text) => text !== ''));
  const columns = Math.max(0, ...grid.map((row) => row.length));
  const lines = grid.map(
    (row) => `| ${Array.from({ length: columns }, (_, x) => row[x] ?? '').join(' | ')} |`,
  );
  lines.splice(1, 0, `|${' --- |'.repeat(columns)}`);
  const title = caption === undefined ? '' : inlineText(caption);
  return grid.length === 0 ? title : `${title}\n\n${lines.join('\n')}`;
}

function rowsOf(table: DomElement): DomElement[] {
  const sections = Array.from(table.children).flatMap((child) =>
    ['thead', 'tbody', 'tfoot'].includes(child.localName) ? Array.from(child.children) : [child],
  );
  return sections.filter((child) => child.localName === 'tr');
}

function cellsOf(row: DomElement): DomElement[] {
  return Array.from(row.children).filter((child) => child.localName === 'td' || child.localName === 'th');
}

function isLayoutCell(cell: DomElement): boolean {
  if ((cell.textContent ?? '').length > MAX_CELL_CHARACTERS) return true;
  return cell.querySelector('h1, h2, h3, pre, form') !== null;
}

function filledGrid(rows: DomElement[][]): string[][] {
  const grid: string[][] = rows.map(() => []);
  for (const [y, cells] of rows.entries()) {
    let x = 0;
    for (const cell of cells) {
      while (grid[y]?.[x] !== undefined) x += 1;
      if (x >= MAX_COLUMNS) break;
      const text = inlineText(cell).replaceAll('|', String.raw`\|`);
      const height = Math.min(spanOf(cell, 'rowspan'), rows.length - y);
      const width = spanOf(cell, 'colspan');
      for (let down = 0; down < height; down += 1) {
        // Across columns the text stands once; down the rows it is what makes each row readable alone.
        for (let across = 0; across < width; across += 1)
          grid[y + down]![x + across] = across === 0 ? text : '';
      }
      x += width;
    }
  }
  return grid.map((row) => Array.from(row, (text) => text ?? ''));
}

function spanOf(cell: DomElement, attribute: 'rowspan' | 'colspan'): number {
  const span = Number.parseInt(cell.getAttribute(attribute) ?? '1', 10);
  return Number.isFinite(span) ? Math.min(Math.max(span, 1), MAX_SPAN) : 1;
}
