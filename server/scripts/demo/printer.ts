const WIDTH = 80;
const RESET = '\u001b[0m';
const STYLES = {
  bold: '\u001b[1m',
  dim: '\u001b[2m',
  red: '\u001b[31m',
  green: '\u001b[32m',
  cyan: '\u001b[36m',
};

type Style = keyof typeof STYLES;

export interface Printer {
  paint: (style: Style, text: string) => string;
  line: (text?: string) => void;
  rule: () => void;
  /** A paragraph of at most 80 columns, with `lead` before its first line and as much space before the others. */
  paragraph: (lead: string, text: string, style?: Style) => void;
  /** Text that comes piece by piece and is wrapped as it comes; `lead` stands before its first line. */
  typewriter: (lead: string) => { write: (text: string) => void; end: () => void };
}

/** Prints for people: with colours only on a terminal whose owner wants them (no-color.org). */
export function createPrinter(stream: NodeJS.WriteStream): Printer {
  const isColoured = stream.isTTY && (process.env['NO_COLOR'] ?? '') === '';
  const paint = (style: Style, text: string) => (isColoured ? `${STYLES[style]}${text}${RESET}` : text);
  const line = (text = '') => void stream.write(`${text}\n`);
  return {
    paint,
    line,
    rule: () => line(paint('dim', '─'.repeat(WIDTH))),
    paragraph: (lead, text, style) => {
      for (const [index, row] of wrap(text, WIDTH - lead.length).entries()) {
        const start = index === 0 ? lead : ' '.repeat(lead.length);
        line(style === undefined ? start + row : paint(style, start + row));
      }
    },
    typewriter: (lead) => createTypewriter(stream, lead.length, paint('bold', lead)),
  };
}

function createTypewriter(
  stream: NodeJS.WriteStream,
  indent: number,
  lead: string,
): ReturnType<Printer['typewriter']> {
  let column = indent;
  let word = '';
  stream.write(lead);
  const flush = () => {
    if (word === '') return;
    const isFirst = column === indent;
    const isTooLong = !isFirst && column + 1 + word.length > WIDTH;
    const space = isTooLong ? `\n${' '.repeat(indent)}` : isFirst ? '' : ' ';
    stream.write(space + word);
    column = (isTooLong ? indent : column + space.length) + word.length;
    word = '';
  };
  return {
    write: (text) => {
      for (const character of text) {
        if (/\s/.test(character)) flush();
        else word += character;
      }
    },
    end: () => {
      flush();
      stream.write('\n');
    },
  };
}

function wrap(text: string, width: number): string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of text.split(/\s+/)) {
    const longer = row === '' ? word : `${row} ${word}`;
    if (longer.length > width && row !== '') {
      rows.push(row);
      row = word;
    } else row = longer;
  }
  return [...rows, row];
}
