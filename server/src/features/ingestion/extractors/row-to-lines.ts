const MAX_NAME_CHARACTERS = 100;
/** About a chunk: a longer row is parted, and each part says again whose row it is. */
const MAX_ROW_CHARACTERS = 1_000;

/**
 * A row as an item of a list that names its columns: `- Name: Anna; City: Berlin`. Empty cells are left out. A row
 * too long for a chunk becomes several items, each beginning with the row's first cell.
 */
export function rowToLines(cells: readonly string[], names: readonly string[]): string[] {
  const fields = cells.flatMap((cell, column) => (cell === '' ? [] : [labelled(cell, names[column] ?? '')]));
  const first = fields[0] ?? '';
  const lines: string[] = [];
  let line = '';
  for (const field of fields) {
    if (line !== '' && line.length + field.length > MAX_ROW_CHARACTERS) {
      lines.push(`- ${line}`);
      line = first.slice(0, MAX_NAME_CHARACTERS);
    }
    line += (line === '' ? '' : '; ') + field;
  }
  return [...lines, `- ${line}`];
}

/** White space of any kind as single blanks: a line feed would end the row. */
export function onOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function labelled(cell: string, name: string): string {
  return name === '' ? cell : `${name.slice(0, MAX_NAME_CHARACTERS).replace(/:$/, '')}: ${cell}`;
}
