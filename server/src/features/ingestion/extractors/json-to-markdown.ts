import { refuseMalformed, refuseTooLarge } from './refuse-file.js';
import { onOneLine, rowToLines } from './row-to-lines.js';

const MAX_DEPTH = 64;
const MAX_HEADING_LEVEL = 6;
/** An object that flattens to more fields is a section with headings of its own. */
const MAX_ROW_FIELDS = 60;
const MAX_CHARACTERS = 50 * 1024 * 1024;
const PATH_SEPARATOR = ' › ';

type JsonObject = Record<string, unknown>;

interface Writing {
  parts: string[];
  characters: number;
}

/**
 * Writes a JSON value as Markdown: objects as sections under the names of their keys, arrays of objects as rows
 * that say the names of their fields, everything else as `name: value`.
 * @throws SourceError `malformed_file` for nesting that nobody reads, `too_large`.
 */
export function writeJson(value: unknown): string {
  const writing: Writing = { parts: [], characters: 0 };
  writeSection(writing, [], value);
  return writing.parts.join('\n\n');
}

function writeSection(writing: Writing, path: readonly string[], value: unknown): void {
  refuseDeep(path.length);
  const last = path.at(-1);
  if (last !== undefined) {
    const level = Math.min(path.length, MAX_HEADING_LEVEL);
    const title = path.length > MAX_HEADING_LEVEL ? path.join(PATH_SEPARATOR) : last;
    add(writing, `${'#'.repeat(level)} ${onOneLine(title)}`);
  }
  if (Array.isArray(value)) writeList(writing, path, value);
  else if (isObject(value)) writeObject(writing, path, value);
  else add(writing, textOf(value));
}

/** What is short stands first, under the object's own heading; then its parts, each under one of theirs. */
function writeObject(writing: Writing, path: readonly string[], value: JsonObject): void {
  const sections: [string, unknown][] = [];
  const lines: string[] = [];
  for (const [key, child] of Object.entries(value)) {
    const text = shortTextOrNull(child);
    if (text === null) sections.push([key, child]);
    else if (text !== '') lines.push(`${onOneLine(key)}: ${text}`);
  }
  if (lines.length > 0) add(writing, lines.join('\n'));
  for (const [key, child] of sections) writeSection(writing, [...path, key], child);
}

function writeList(writing: Writing, path: readonly string[], items: readonly unknown[]): void {
  if (items.every((item) => !isObject(item) && !Array.isArray(item))) {
    add(writing, items.map((item) => `- ${textOf(item)}`).join('\n'));
    return;
  }
  const rows = items.map((item) => rowOrNull(item, path.length));
  if (rows.every((row) => row !== null)) {
    const lines: string[] = [];
    for (const row of rows) lines.push(...rowToLines([...row.values()], [...row.keys()]));
    add(writing, lines.join('\n'));
    return;
  }
  for (const [index, item] of items.entries()) writeSection(writing, [...path, nameOf(item, index)], item);
}

/** The fields of an object by their dotted paths, or null where they are too many for a row. */
function rowOrNull(item: unknown, depth: number): Map<string, string> | null {
  const fields = new Map<string, string>();
  const waiting: { name: string; value: unknown; depth: number }[] = [{ name: '', value: item, depth }];
  while (waiting.length > 0) {
    const { name, value, depth: level } = waiting.pop()!;
    refuseDeep(level);
    const text = shortTextOrNull(value);
    if (text !== null) {
      fields.set(name, text);
      if (fields.size > MAX_ROW_FIELDS) return null;
      continue;
    }
    const inner = Object.entries(value as JsonObject).map(([key, child]) => ({
      name: name === '' ? key : `${name}.${key}`,
      value: child,
      depth: level + 1,
    }));
    if (inner.length > MAX_ROW_FIELDS) return null;
    waiting.push(...inner.toReversed());
  }
  return fields;
}

/** A value that fits on a line: a scalar, or a list of scalars. Null for all that has parts of its own. */
function shortTextOrNull(value: unknown): string | null {
  if (Array.isArray(value)) {
    const isFlat = value.every((item) => !isObject(item) && !Array.isArray(item));
    return isFlat ? value.map(textOf).join(', ') : null;
  }
  return isObject(value) ? null : textOf(value);
}

function nameOf(item: unknown, index: number): string {
  const { name, title, id } = isObject(item) ? item : {};
  const said = [name, title, id].find((label) => typeof label === 'string' && label !== '');
  return typeof said === 'string' ? said : String(index + 1);
}

function add(writing: Writing, part: string): void {
  writing.characters += part.length;
  if (writing.characters > MAX_CHARACTERS) refuseTooLarge('The file holds more text than can be read');
  if (part !== '') writing.parts.push(part);
}

function refuseDeep(depth: number): void {
  if (depth > MAX_DEPTH) refuseMalformed(`its values lie more than ${MAX_DEPTH} levels inside each other`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Null says nothing, and so does an empty text. */
function textOf(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'string' ? onOneLine(value) : JSON.stringify(value);
}
