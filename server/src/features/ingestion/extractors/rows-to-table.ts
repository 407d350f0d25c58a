/** Rows of cells as a Markdown table (GitHub's), the first row its head; an empty text where there is nothing. */
export function rowsToTable(rows: readonly (readonly string[])[]): string {
  const filled = rows.filter((row) => row.some((cell) => cell !== ''));
  const columns = filled.reduce((most, row) => Math.max(most, row.length), 0);
  if (columns === 0) return '';
  const lines = filled.map((row) => {
    const cells = Array.from({ length: columns }, (_, column) => row[column] ?? '');
    return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  });
  return [lines[0], `|${' --- |'.repeat(columns)}`, ...lines.slice(1)].join('\n');
}
