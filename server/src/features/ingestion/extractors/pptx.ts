import { SourceError } from '#kernel/source-error.js';

import type { Extractor } from './extractor.js';
import { normalizeText } from './normalize-text.js';
import { relationshipIdOf, readRelationships } from './office-relationships.js';
import { readSlide } from './pptx-slide.js';
import { readDocumentTitle } from './read-document-title.js';
import { readXml } from './read-xml.js';
import { refuseMalformed } from './refuse-file.js';
import { openZipArchive, type ZipArchive } from './zip-archive.js';

const PRESENTATION = 'ppt/presentation.xml';

/** Reads a presentation slide by slide: its title as heading, then its texts, tables and notes. Pages are slides. */
export const extractPptx: Extractor = async (bytes) => {
  const archive = openZipArchive(bytes);
  let content = '';
  const pages: { page: number; start: number }[] = [];
  for (const [index, part] of slidePartsOf(archive).entries()) {
    const text = normalizeText(slideText(archive, part), 'markdown');
    if (text === '') continue;
    if (content !== '') content += '\n\n';
    pages.push({ page: index + 1, start: content.length });
    content += text;
  }
  if (content === '') {
    throw new SourceError(
      'empty',
      'The presentation holds no text on its visible slides (text in pictures is not read).',
    );
  }
  return { title: readDocumentTitle(archive) ?? firstHeading(content), content, format: 'markdown', pages };
};

/** The parts of the slides in the order in which they are shown. */
function slidePartsOf(archive: ZipArchive): string[] {
  const relationships = readRelationships(archive, PRESENTATION);
  const parts: string[] = [];
  const xml = archive.readOrNull(PRESENTATION) ?? refuseMalformed('its list of slides is missing');
  readXml(xml, {
    open: (name, attributes) => {
      const part = name === 'sldId' ? relationships.get(relationshipIdOf(attributes)) : undefined;
      if (part?.kind === 'slide') parts.push(part.target);
    },
  });
  return parts;
}

function slideText(archive: ZipArchive, part: string): string {
  const slide = readSlide(archive, part);
  if (slide === null || slide.isHidden) return '';
  const related = [...readRelationships(archive, part).values()];
  const diagrams = related.filter(({ kind }) => kind === 'diagramData');
  const notes = related.filter(({ kind }) => kind === 'notesSlide');
  const blocks = [
    ...slide.blocks,
    ...diagrams.flatMap(({ target }) => readSlide(archive, target)?.blocks ?? []),
  ];
  const said = notes.flatMap(({ target }) => readSlide(archive, target)?.blocks ?? []).join('\n\n');
  if (said !== '') blocks.push(`Notes: ${said}`);
  if (slide.title !== '') blocks.unshift(`# ${slide.title}`);
  return blocks.join('\n\n');
}

function firstHeading(content: string): string | null {
  return /^# (.+)$/m.exec(content)?.[1] ?? null;
}
