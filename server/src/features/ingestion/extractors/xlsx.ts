import { SourceError } from '#kernel/source-error.js';

import type { Extractor } from './extractor.js';
import { normalizeText } from './normalize-text.js';
import { relationshipIdOf, readRelationships } from './office-relationships.js';
import { readDocumentTitle } from './read-document-title.js';
import { readXml } from './read-xml.js';
import { refuseMalformed } from './refuse-file.js';
import { createRowWriter } from './row-writer.js';
import { readCellFormats } from './xlsx-formats.js';
import { readSheet } from './xlsx-sheet.js';
import { readSharedStrings } from './xlsx-strings.js';
import { openZipArchive, type ZipArchive } from './zip-archive.js';

const WORKBOOK = 'xl/workbook.xml';

/** Reads a workbook: each visible sheet under its name, each row with the names of its columns. */
export const extractXlsx: Extractor = async (bytes) => {
  const archive = openZipArchive(bytes);
  const { sheets, isDate1904 } = readWorkbook(archive);
  const relationships = readRelationships(archive, WORKBOOK);
  const partOf = (kind: string) =>
    [...relationships.values()].find((relationship) => relationship.kind === kind)?.target ?? '';
  const strings = readSharedStrings(archive, partOf('sharedStrings'));
  const formats = readCellFormats(archive, partOf('styles'), isDate1904);
  const parts: string[] = [];
  for (const sheet of sheets) {
    const writer = createRowWriter();
    const part = relationships.get(sheet.relationshipId);
    if (part?.kind !== 'worksheet') continue;
    readSheet(archive, part.target, { strings, formats, onRow: writer.write });
    const rows = writer.end();
    if (rows !== '') parts.push(`# ${sheet.name}\n\n${rows}`);
  }
  const content = normalizeText(parts.join('\n\n'), 'markdown');
  if (content === '') {
    throw new SourceError('empty', 'The workbook holds no cells with text or numbers in a visible sheet.');
  }
  return { title: readDocumentTitle(archive), content, format: 'markdown', pages: [] };
};

interface Workbook {
  /** The visible ones, in the order of their tabs. */
  sheets: { name: string; relationshipId: string }[];
  isDate1904: boolean;
}

function readWorkbook(archive: ZipArchive): Workbook {
  const workbook: Workbook = { sheets: [], isDate1904: false };
  const xml = archive.readOrNull(WORKBOOK) ?? refuseMalformed('its workbook is missing');
  readXml(xml, {
    open: (name, attributes) => {
      if (name === 'workbookPr') workbook.isDate1904 = /^(?:1|true)$/.test(attributes['date1904'] ?? '');
      if (name !== 'sheet' || (attributes['state'] ?? 'visible') !== 'visible') return;
      const relationshipId = relationshipIdOf(attributes);
      workbook.sheets.push({ name: (attributes['name'] ?? '').replace(/\s+/g, ' ').trim(), relationshipId });
    },
  });
  return workbook;
}
