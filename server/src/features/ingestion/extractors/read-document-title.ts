import { normalizeText } from './normalize-text.js';
import { readXml } from './read-xml.js';
import type { ZipArchive } from './zip-archive.js';

const CORE_PROPERTIES = 'docProps/core.xml';
/** What programs put there when nobody did. */
const PLACEHOLDER =
  /^(?:untitled|document\d*|title|microsoft word|powerpoint|pr[äe]sentation\d*|book\d*|slide \d)/i;

/** The title in the core properties of an Office document (ECMA-376 part 2, 11), or null. */
export function readDocumentTitle(archive: ZipArchive): string | null {
  const xml = archive.readOrNull(CORE_PROPERTIES);
  if (xml === null) return null;
  let text = '';
  let isInside = false;
  readXml(xml, {
    open: (name) => {
      isInside = name === 'title';
    },
    close: () => {
      isInside = false;
    },
    text: (part) => {
      if (isInside) text += part;
    },
  });
  const title = normalizeText(text, 'plain').replace(/\s+/g, ' ');
  return title === '' || PLACEHOLDER.test(title) ? null : title;
}
