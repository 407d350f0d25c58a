import { readXml, type XmlAttributes } from './read-xml.js';
import { rowsToTable } from './rows-to-table.js';
import type { ZipArchive } from './zip-archive.js';

interface Slide {
  title: string;
  /** Texts, lists and tables as Markdown. */
  blocks: string[];
  isHidden: boolean;
}

/** Placeholders that stand on every slide, and the picture of the slide on the page of its notes. */
const FURNITURE = new Set(['sldNum', 'dt', 'ftr', 'hdr', 'sldImg']);
const TITLES = new Set(['title', 'ctrTitle']);
const DEEPEST_LEVEL = 8;

interface Paragraph {
  text: string;
  level: number;
}

/**
 * Reads a slide, the notes of one, or the text of a diagram (ECMA-376 part 1, 19.3 and 21.1). Texts come in the
 * order in which they were drawn. Null where the part is missing.
 */
export function readSlide(archive: ZipArchive, part: string): Slide | null {
  const xml = archive.readOrNull(part);
  if (xml === null) return null;
  const slide: Slide = { title: '', blocks: [], isHidden: false };
  const reading = createReading(slide);
  readXml(xml, reading);
  reading.finish();
  return slide;
}

function createReading(slide: Slide) {
  let placeholder = '';
  let paragraphs: Paragraph[] = [];
  let paragraph: Paragraph | null = null;
  let rows: string[][] | null = null;
  let isRun = false;
  /** How deep in a fallback for older programs, which says the same once more. */
  let fallbacks = 0;

  const finish = () => {
    const said = paragraphs.filter(({ text }) => text !== '');
    paragraphs = [];
    if (said.length === 0 || FURNITURE.has(placeholder)) return;
    if (TITLES.has(placeholder) && slide.title === '') slide.title = said.map(({ text }) => text).join(' ');
    else slide.blocks.push(blockOf(said));
  };
  const open = (name: string, attributes: XmlAttributes) => {
    if (name === 'Fallback') fallbacks += 1;
    if (fallbacks > 0) return;
    if (name === 'sld') slide.isHidden = /^(?:0|false)$/.test(attributes['show'] ?? '');
    else if (name === 'sp' || name === 'graphicFrame') placeholder = '';
    else if (name === 'ph') placeholder = attributes['type'] ?? 'body';
    else if (name === 'tbl') rows = [];
    else if (name === 'tr') rows?.push([]);
    else if (name === 'p') paragraph = { text: '', level: 0 };
    else if (name === 'pPr' && paragraph !== null) {
      paragraph.level = Math.min(Number(attributes['lvl'] ?? 0) || 0, DEEPEST_LEVEL);
    } else if (name === 'br' && paragraph !== null) paragraph.text += ' ';
    isRun = name === 't';
  };
  const close = (name: string) => {
    if (name === 'Fallback') fallbacks -= 1;
    isRun = false;
    if (fallbacks > 0) return;
    if (name === 'p' && paragraph !== null) {
      paragraphs.push({ ...paragraph, text: paragraph.text.replace(/\s+/g, ' ').trim() });
      paragraph = null;
    } else if (name === 'tc') {
      rows?.at(-1)?.push(
        paragraphs
          .map(({ text }) => text)
          .join(' ')
          .trim(),
      );
      paragraphs = [];
    } else if (name === 'tbl' && rows !== null) {
      slide.blocks.push(rowsToTable(rows));
      rows = null;
    } else if (name === 'sp') finish();
  };
  const text = (part: string) => {
    if (isRun && fallbacks === 0 && paragraph !== null) paragraph.text += part;
  };
  return { open, close, text, finish };
}

/** One paragraph is a text; several are the points of a list, as slides have them. */
function blockOf(paragraphs: readonly Paragraph[]): string {
  const [only] = paragraphs;
  if (paragraphs.length === 1 && only !== undefined) return only.text;
  return paragraphs.map(({ text, level }) => `${'  '.repeat(level)}- ${text}`).join('\n');
}
