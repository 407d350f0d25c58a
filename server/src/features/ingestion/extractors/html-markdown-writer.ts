/** Deeper lists are written as if they were no deeper: their indentation would outgrow their text. */
const MAX_INDENT_CHARACTERS = 40;

/** Takes text and blocks in the order of a page and writes them as Markdown, in time that is linear in their length. */
export interface MarkdownWriter {
  text(text: string): void;
  lineBreak(): void;
  /** Ends the paragraph; the next block follows after an empty line. */
  endBlock(): void;
  /** Writes whole lines as a block of their own. */
  block(lines: string): void;
  openList(): void;
  closeList(): void;
  openItem(marker: string): void;
  closeItem(): void;
  toString(): string;
}

interface OpenItem {
  indent: string;
  marker: string;
  /** Whether it has got text. */
  isWritten: boolean;
}

export function createMarkdownWriter(): MarkdownWriter {
  const output: string[] = [];
  const items: OpenItem[] = [];
  let paragraph: string[] = [];
  /** Line feeds that are due before the next line. */
  let gap = 0;
  let indent = '';

  function writeLines(lines: string[]): void {
    for (const line of lines) {
      if (output.length > 0) output.push('\n'.repeat(Math.max(gap, 1)));
      output.push(linePrefix(), line);
      gap = 1;
    }
  }

  /** The indentation of a line; before the first one of an item, its marker. */
  function linePrefix(): string {
    const first = items.findIndex((item) => !item.isWritten);
    if (first === -1) return indent;
    const waiting = items.slice(first);
    for (const item of waiting) item.isWritten = true;
    return waiting[0]!.indent + waiting.map((item) => item.marker).join('');
  }

  function flush(): void {
    if (paragraph.length === 0) return;
    const lines = paragraph
      .join('')
      .split(LINE_BREAK)
      .map((line) => line.replace(/\s+/g, ' ').trim());
    paragraph = [];
    while (lines.length > 0 && lines[0] === '') lines.shift();
    while (lines.length > 0 && lines.at(-1) === '') lines.pop();
    writeLines(lines);
  }

  function separate(lineFeeds: number): void {
    flush();
    // What begins an item stands beside its marker.
    if (items.at(-1)?.isWritten !== false) gap = Math.max(gap, lineFeeds);
  }

  return {
    text: (text) => void paragraph.push(text),
    lineBreak: () => void paragraph.push(LINE_BREAK),
    endBlock: () => separate(2),
    block(lines) {
      separate(2);
      writeLines(lines.split('\n'));
      gap = 2;
    },
    openList: () => separate(items.length === 0 ? 2 : 1),
    closeList() {
      flush();
      gap = items.length === 0 ? 2 : 1;
    },
    openItem(marker) {
      separate(1);
      items.push({ indent, marker, isWritten: false });
      if (indent.length < MAX_INDENT_CHARACTERS) indent += ' '.repeat(marker.length);
    },
    closeItem() {
      flush();
      const item = items.pop();
      if (item === undefined) return;
      indent = item.indent;
      if (item.isWritten) gap = 1;
    },
    toString() {
      flush();
      return output.join('');
    },
  };
}

/** Stands for a line break within a paragraph; the parser leaves no such character in a text that is kept. */
const LINE_BREAK = '\u0000';
