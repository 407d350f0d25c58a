import { posix } from 'node:path';

import { readXml, type XmlAttributes } from './read-xml.js';
import type { ZipArchive } from './zip-archive.js';

export interface Relationship {
  /** The last word of its type: `slide`, `sharedStrings`. */
  kind: string;
  /** The name of the part in the archive. */
  target: string;
}

/** What a part of an Office document points to inside the document, by id (ECMA-376 part 2, 6.5); nothing outside. */
export function readRelationships(archive: ZipArchive, part: string): Map<string, Relationship> {
  const folder = posix.dirname(part);
  const relationships = new Map<string, Relationship>();
  const xml = archive.readOrNull(posix.join(folder, '_rels', `${posix.basename(part)}.rels`));
  if (xml === null) return relationships;
  readXml(xml, {
    open: (name, attributes) => {
      const { Id: id, Target: target, Type: type = '', TargetMode: mode } = attributes;
      if (name !== 'Relationship' || id === undefined || target === undefined || mode === 'External') return;
      relationships.set(id, {
        kind: type.slice(type.lastIndexOf('/') + 1),
        target: resolved(folder, target),
      });
    },
  });
  return relationships;
}

/** The `r:id` of an element, whatever the prefix is called: its own `id` is something else. */
export function relationshipIdOf(attributes: XmlAttributes): string {
  return Object.entries(attributes).find(([name]) => name.endsWith(':id'))?.[1] ?? '';
}

function resolved(folder: string, target: string): string {
  return posix.join('/', target.startsWith('/') ? '' : folder, target).slice(1);
}
