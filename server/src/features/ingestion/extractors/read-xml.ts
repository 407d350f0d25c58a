import { SaxesParser } from 'saxes';

import { SourceError } from '#kernel/source-error.js';

import { refuseMalformed } from './refuse-file.js';

const MAX_DEPTH = 512;

export type XmlAttributes = Readonly<Record<string, string>>;

/** Names of elements come without their prefix; those of attributes as they are written. */
export interface XmlHandlers {
  open?: (name: string, attributes: XmlAttributes) => void;
  close?: (name: string) => void;
  text?: (text: string) => void;
}

export interface XmlReader {
  write: (piece: Uint8Array) => void;
  end: () => void;
}

/**
 * Reads XML piece by piece. Entities beyond the five of XML itself are errors, and so is a document type that
 * declares any; nothing that a document type names is opened.
 * @throws SourceError `malformed_file`, also for elements more than 512 deep.
 */
export function createXmlReader(handlers: XmlHandlers): XmlReader {
  const parser = new SaxesParser({ xmlns: false, position: false });
  let depth = 0;
  parser.on('doctype', (doctype) => {
    if (doctype.includes('[')) refuseMalformed('its XML declares entities of its own');
  });
  parser.on('opentag', ({ name, attributes }) => {
    depth += 1;
    if (depth > MAX_DEPTH) refuseMalformed(`its XML lies more than ${MAX_DEPTH} elements deep`);
    handlers.open?.(localName(name), attributes);
  });
  parser.on('closetag', ({ name }) => {
    depth -= 1;
    handlers.close?.(localName(name));
  });
  const text = (part: string) => handlers.text?.(part);
  parser.on('text', text);
  parser.on('cdata', text);
  let decoder: InstanceType<typeof TextDecoder> | null = null;
  return {
    write: (piece) => {
      decoder ??= new TextDecoder(isUtf16(piece) ? 'utf-16le' : 'utf-8');
      const characters = decoder.decode(piece, { stream: true });
      guarded(() => parser.write(characters));
    },
    end: () => guarded(() => parser.write(decoder?.decode() ?? '').close()),
  };
}

/** Reads XML that is at hand as a whole. */
export function readXml(bytes: Uint8Array, handlers: XmlHandlers): void {
  const reader = createXmlReader(handlers);
  reader.write(bytes);
  reader.end();
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function isUtf16(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xfe;
}

function guarded(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (error instanceof SourceError) throw error;
    refuseMalformed('its XML is broken', error);
  }
}
