import type { Extractor } from './extractor.js';
import { hasPdfHeader, isZipWith } from './signatures.js';

interface FileFormat {
  /** In messages: `a PDF`. */
  name: string;
  extensions: readonly string[];
  mediaTypes: readonly string[];
  /** Told by its bytes. Formats without it are text, told apart by `detectFormat`. */
  matches?: (bytes: Uint8Array) => boolean;
  /** Loads the format's code when a file of it arrives, and not before. */
  load: () => Promise<Extractor>;
}

/** The file formats that can be read. A new one is one file beside this and one entry here. */
export const fileFormats = {
  pdf: {
    name: 'a PDF',
    extensions: ['pdf'],
    mediaTypes: ['application/pdf', 'application/x-pdf'],
    matches: hasPdfHeader,
    load: async () => (await import('./pdf.js')).extractPdf,
  },
  docx: {
    name: 'a Word document',
    extensions: ['docx', 'docm', 'dotx', 'dotm'],
    mediaTypes: [
      'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
      'application/vnd.ms-word.document.macroenabled.12',
    ],
    matches: (bytes) => isZipWith(bytes, 'word/document.xml'),
    load: async () => (await import('./docx.js')).extractDocx,
  },
  xlsx: {
    name: 'an Excel workbook',
    extensions: ['xlsx', 'xlsm', 'xltx', 'xltm'],
    mediaTypes: [
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'application/vnd.ms-excel.sheet.macroenabled.12',
    ],
    matches: (bytes) => isZipWith(bytes, 'xl/workbook.xml'),
    load: async () => (await import('./xlsx.js')).extractXlsx,
  },
  pptx: {
    name: 'a PowerPoint presentation',
    extensions: ['pptx', 'pptm', 'ppsx', 'ppsm', 'potx'],
    mediaTypes: [
      'application/vnd.openxmlformats-officedocument.presentationml.presentation',
      'application/vnd.openxmlformats-officedocument.presentationml.slideshow',
      'application/vnd.ms-powerpoint.presentation.macroenabled.12',
    ],
    matches: (bytes) => isZipWith(bytes, 'ppt/presentation.xml'),
    load: async () => (await import('./pptx.js')).extractPptx,
  },
  epub: {
    name: 'an EPUB book',
    extensions: ['epub'],
    mediaTypes: ['application/epub+zip'],
    matches: (bytes) => isZipWith(bytes, 'META-INF/container.xml'),
    load: async () => (await import('./epub.js')).extractEpub,
  },
  html: {
    name: 'a web page',
    extensions: ['html', 'htm', 'xhtml'],
    mediaTypes: ['text/html', 'application/xhtml+xml'],
    load: async () => (await import('./html.js')).extractHtml,
  },
  markdown: {
    name: 'Markdown',
    extensions: ['md', 'markdown', 'mdown', 'mkd', 'mdx'],
    mediaTypes: ['text/markdown', 'text/x-markdown'],
    load: async () => (await import('./markdown.js')).extractMarkdown,
  },
  csv: {
    name: 'a CSV table',
    extensions: ['csv', 'tsv', 'tab'],
    mediaTypes: ['text/csv', 'application/csv', 'text/tab-separated-values'],
    load: async () => (await import('./csv.js')).extractCsv,
  },
  json: {
    name: 'JSON',
    extensions: ['json', 'jsonl', 'ndjson', 'geojson'],
    mediaTypes: ['application/json', 'application/ld+json', 'application/x-ndjson', 'application/jsonl'],
    load: async () => (await import('./json.js')).extractJson,
  },
  text: {
    name: 'plain text',
    extensions: ['txt', 'text'],
    mediaTypes: ['text/plain'],
    load: async () => (await import('./plain-text.js')).extractPlainText,
  },
} as const satisfies Record<string, FileFormat>;

export type FileFormatName = keyof typeof fileFormats;

/** The formats in the order in which they are tried. */
export const fileFormatList: [FileFormatName, FileFormat][] = Object.entries(fileFormats) as [
  FileFormatName,
  FileFormat,
][];
