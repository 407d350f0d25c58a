import { SourceError } from '#kernel/source-error.js';

import { decodeReference } from './epub-package.js';
import { readXml } from './read-xml.js';
import type { ZipArchive } from './zip-archive.js';

const ENCRYPTION = 'META-INF/encryption.xml';
/** Both only garble fonts, so that they are of no use outside the book (EPUB 3.3, 4.3). */
const FONT_OBFUSCATION = new Set(['http://www.idpf.org/2008/embedding', 'http://ns.adobe.com/pdf/enc#RC']);

/** @throws SourceError `encrypted` when a chapter is closed to all but the shop's own programs. */
export function refuseProtectedEpub(archive: ZipArchive, chapters: readonly string[]): void {
  const xml = archive.readOrNull(ENCRYPTION);
  if (xml === null) return;
  const closed = new Set(chapters);
  let algorithm = '';
  let isProtected = false;
  readXml(xml, {
    open: (name, attributes) => {
      if (name === 'EncryptedData') algorithm = '';
      if (name === 'EncryptionMethod' && algorithm === '') algorithm = attributes['Algorithm'] ?? '';
      if (name !== 'CipherReference' || FONT_OBFUSCATION.has(algorithm)) return;
      isProtected ||= closed.has(decodeReference(attributes['URI'] ?? '').replace(/^\/+/, ''));
    },
  });
  if (!isProtected) return;
  throw new SourceError(
    'encrypted',
    'The book is copy-protected (DRM), so it cannot be read. Upload a copy without the protection.',
  );
}
