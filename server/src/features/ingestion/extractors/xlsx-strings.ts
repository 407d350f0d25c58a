import { refuseTooLarge } from './refuse-file.js';
import { createXmlReader } from './read-xml.js';
import type { ZipArchive } from './zip-archive.js';

/** As many characters as a document may hold. */
const MAX_CHARACTERS = 50 * 1024 * 1024;
const MAX_STRINGS = 2_000_000;

/** The texts that cells refer to by number (ECMA-376 part 1, 18.4): their runs joined, without phonetic hints. */
export function readSharedStrings(archive: ZipArchive, part: string): string[] {
  const strings: string[] = [];
  let current = '';
  let characters = 0;
  let isText = false;
  let isPhonetic = false;
  const reader = createXmlReader({
    open: (name) => {
      if (name === 'si') current = '';
      if (name === 'rPh') isPhonetic = true;
      isText = name === 't' && !isPhonetic;
    },
    close: (name) => {
      if (name === 'rPh') isPhonetic = false;
      isText = false;
      if (name !== 'si') return;
      characters += current.length;
      if (characters > MAX_CHARACTERS || strings.length >= MAX_STRINGS) {
        refuseTooLarge('The workbook holds more text than can be read');
      }
      strings.push(current);
    },
    text: (text) => {
      if (isText) current += text;
    },
  });
  if (archive.stream(part, reader.write)) reader.end();
  return strings;
}
