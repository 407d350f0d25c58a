import { posix } from 'node:path';

import { readXml } from './read-xml.js';
import { refuseMalformed } from './refuse-file.js';
import type { ZipArchive } from './zip-archive.js';

interface EpubPackage {
  title: string | null;
  /** The parts to read, in order; navigation is left out. */
  chapters: string[];
}

const CONTAINER = 'META-INF/container.xml';
const CHAPTER_TYPES = new Set(['application/xhtml+xml', 'text/html', 'application/x-dtbook+xml']);

interface Item {
  part: string;
  type: string;
  isNavigation: boolean;
}

/** Reads what a book consists of (EPUB 3.3, 4.2.6.3.1 and 5): its title and its chapters in the order of reading. */
export function readEpubPackage(archive: ZipArchive): EpubPackage {
  const place = packagePlaceOf(archive);
  const xml = archive.readOrNull(place) ?? refuseMalformed('its table of contents is missing');
  const items = new Map<string, Item>();
  const spine: string[] = [];
  let title = '';
  let hasTitle = false;
  let isTitle = false;
  readXml(xml, {
    open: (name, attributes) => {
      const { id = '', href = '', properties = '', idref = '' } = attributes;
      isTitle = name === 'title' && !hasTitle;
      if (name === 'itemref') spine.push(idref);
      if (name !== 'item') return;
      const isNavigation = properties.split(/\s+/).includes('nav');
      items.set(id, { part: partOf(place, href), type: attributes['media-type'] ?? '', isNavigation });
    },
    text: (text) => {
      if (isTitle) title += text;
    },
    close: (name) => {
      if (name === 'title') hasTitle ||= title.trim() !== '';
      isTitle = false;
    },
  });
  const chapters = spine
    .flatMap((id) => items.get(id) ?? [])
    .filter(({ type, isNavigation }) => CHAPTER_TYPES.has(type) && !isNavigation);
  // A spine that names a chapter a thousand times would repeat its text as often.
  const parts = Array.from(new Set(chapters.map(({ part }) => part)));
  return { title: title.trim() === '' ? null : title.trim(), chapters: parts };
}

function packagePlaceOf(archive: ZipArchive): string {
  let place: string | null = null;
  const xml = archive.readOrNull(CONTAINER) ?? refuseMalformed('it does not say where its contents are');
  readXml(xml, {
    open: (name, attributes) => {
      if (name === 'rootfile') place ??= attributes['full-path'] ?? null;
    },
  });
  return place ?? refuseMalformed('it does not say where its contents are');
}

/** A reference is a URL: relative to the package, percent-encoded. */
function partOf(place: string, href: string): string {
  return posix.join('/', posix.dirname(place), decodeReference(href.split('#', 1)[0] ?? '')).slice(1);
}

export function decodeReference(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
