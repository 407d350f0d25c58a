import { SourceError } from '#kernel/source-error.js';

import { charsetOfMediaType, decodeText } from './decode-text.js';
import type { FileHints } from './extractor.js';
import { looksBinary } from './plain-text.js';
import { type FileFormatName, fileFormatList } from './registry.js';
import { describeBinary, describeContainer, isEncryptedOfficeFile, isOleFile } from './signatures.js';
import { UPLOAD_SUPPORTED_FORMAT } from './supported-formats.js';

const TEXT_SAMPLE_BYTES = 65_536;
const MARKUP_SAMPLE_CHARACTERS = 4_096;
const LEAD_IN = String.raw`^\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:[^-]|-(?!->))*-->\s*)*`;
const HTML_DOCUMENT = new RegExp(String.raw`${LEAD_IN}<(?:!doctype\s+html|html|head|body)\b`, 'i');
const HTML_FRAGMENT = new RegExp(
  String.raw`${LEAD_IN}<(?:title|meta|link|script|style|header|nav|main|article|section|div|table|[uo]l|h[1-6]|p)\b`,
  'i',
);

/**
 * Tells the format of a file by its content. Name and declared type decide only between kinds of text.
 * @throws SourceError `unsupported_type`, `encrypted`, `empty`, or `malformed_file` for a file that calls
 * itself a PDF or an Office document and is none.
 */
export function detectFormat(bytes: Uint8Array, hints: FileHints): FileFormatName {
  if (bytes.length === 0) throw new SourceError('empty', 'The file is empty (0 bytes). Upload it again.');
  const byContent = fileFormatList.find(([, format]) => format.matches?.(bytes) === true);
  if (byContent !== undefined) return byContent[0];
  if (isEncryptedOfficeFile(bytes)) {
    throw new SourceError(
      'encrypted',
      'The document is protected by a password. Remove the protection in Office and upload it again.',
    );
  }
  if (isOleFile(bytes)) {
    throw new SourceError(
      'unsupported_type',
      'The file is an old Office file (.doc, .xls or .ppt), which cannot be read. ' +
        'Open it in Office, save it as .docx, .xlsx or .pptx and upload that.',
    );
  }
  const hinted = hintedFormat(hints);
  const found = describeContent(bytes, hints, hinted);
  refuseImpostor(hinted, found);
  if (found.format !== null) return found.format;
  throw new SourceError(
    'unsupported_type',
    `The file is ${found.description}, which cannot be read. ${UPLOAD_SUPPORTED_FORMAT}`,
  );
}

interface FoundContent {
  format: FileFormatName | null;
  description: string;
}

function describeContent(bytes: Uint8Array, hints: FileHints, hinted: FileFormatName | null): FoundContent {
  const container = describeContainer(bytes);
  if (container !== null) return { format: null, description: container };
  const text = decodeText(bytes.subarray(0, sampleLength(bytes)), charsetOfMediaType(hints.mediaType));
  if (looksBinary(text)) {
    return { format: null, description: describeBinary(bytes) ?? 'in an unknown binary format' };
  }
  if (isHtml(text.slice(0, MARKUP_SAMPLE_CHARACTERS), hinted)) {
    return { format: 'html', description: 'a web page' };
  }
  const isHinted = hinted === 'markdown' || hinted === 'csv' || hinted === 'json';
  return { format: isHinted ? hinted : 'text', description: 'plain text' };
}

/** Cuts the sample between characters of UTF-8, so that strict decoding does not fail at its end. */
function sampleLength(bytes: Uint8Array): number {
  if (bytes.length <= TEXT_SAMPLE_BYTES) return bytes.length;
  let length = TEXT_SAMPLE_BYTES;
  while (length > TEXT_SAMPLE_BYTES - 4 && ((bytes[length] ?? 0) & 0xc0) === 0x80) length -= 1;
  return length;
}

function isHtml(sample: string, hinted: FileFormatName | null): boolean {
  if (HTML_DOCUMENT.test(sample)) return true;
  if (hinted === 'html') return /<[a-z][^<>]*>/i.test(sample);
  return hinted === null && HTML_FRAGMENT.test(sample) && sample.includes('</');
}

/** A file that calls itself a PDF or an Office document and is none was damaged or saved by mistake. */
function refuseImpostor(hinted: FileFormatName | null, found: FoundContent): void {
  const claimed = fileFormatList.find(([name, format]) => name === hinted && format.matches !== undefined);
  if (claimed === undefined) return;
  throw new SourceError(
    'malformed_file',
    `The file calls itself ${claimed[1].name}, but its content is ${found.description}. ` +
      'It may be damaged or cut short: open it on your computer, save it again and upload the new file.',
  );
}

/** The format that the name says, else the one that the declared type says. */
function hintedFormat(hints: FileHints): FileFormatName | null {
  const extension = /\.([a-z0-9]+)$/i.exec(hints.fileName ?? '')?.[1]?.toLowerCase() ?? '';
  const mediaType = hints.mediaType?.split(';')[0]?.trim().toLowerCase() ?? '';
  const byName = fileFormatList.find(([, format]) => format.extensions.includes(extension));
  const byType = fileFormatList.find(([, format]) => format.mediaTypes.includes(mediaType));
  return byName?.[0] ?? byType?.[0] ?? null;
}
