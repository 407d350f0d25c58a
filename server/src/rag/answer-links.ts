import { type AnswerCursor, JOINER } from './answer-cursor.js';
import {
  findDestination,
  findHiddenCharacter,
  findLabel,
  findMailHost,
  findTag,
  findUrl,
  tagRemains,
} from './answer-syntax.js';
import type { LinkPolicy } from './link-policy.js';

/** Stands where a link was. */
const OMISSION = '…';
const CITED = /\[\d+\]$/u;

/*
 * Each reads something from the start of `rest`, and shows what may stay of it. False: it must see more first; null:
 * it is something else.
 */

export function readUrl(cursor: AnswerCursor, links: LinkPolicy, isCode: boolean): boolean | null {
  const found = findUrl(cursor.rest, cursor.isEnd, isCode);
  if (found === 'more') return false;
  if (found === null) return null;
  const isAllowed = links.allowsLink(found.url);
  cursor.take(found.length);
  if (!isAllowed) cursor.show(OMISSION, isCode);
  // A client may read on where we stop: the brackets say where the address ends.
  else if (!isCode && found.isOpen) {
    cursor.show(`<${/^www/iu.test(found.url) ? 'https://' : ''}${found.url}>`);
  } else cursor.show(found.url, isCode);
  return true;
}

/** `[text](…)` and `![text](…)`. */
export function readBracket(cursor: AnswerCursor, links: LinkPolicy, isImage: boolean): boolean {
  const { rest, isEnd } = cursor;
  const offset = isImage ? 1 : 0;
  const label = findLabel(rest.slice(offset), isEnd);
  if (label === null) return cursor.showOne(offset + 1);
  if (label === 'more') return false;
  const end = offset + label.length;
  if (rest.length === end && !isEnd) return false;
  const destination = rest[end] === '(' ? findDestination(rest.slice(end), isEnd) : null;
  if (destination === 'more') return false;
  if (destination === null) return cursor.showOne(offset + 1);
  const allows = isImage ? links.allowsImage : links.allowsLink;
  if (allows(destination.destination)) {
    // After a mark that was shown, the link would be an image.
    if (!isImage && cursor.tail.endsWith('!')) cursor.show(JOINER);
    return cursor.showOne(offset + 1);
  }
  cursor.rest = rest.slice(offset + 1, end - 1) + rest.slice(end + destination.length);
  cursor.leaveOut();
  return true;
}

/** What follows a bracket that was closed may make it a link, whatever stood between them. */
export function readParenthesis(cursor: AnswerCursor, links: LinkPolicy): boolean {
  if (!cursor.tail.endsWith(']')) return cursor.showOne(1);
  const found = findDestination(cursor.rest, cursor.isEnd);
  if (found === 'more') return false;
  if (found === null) {
    cursor.show(JOINER);
    return cursor.showOne(1);
  }
  const allows = isImageLabel(cursor.tail) ? links.allowsImage : links.allowsLink;
  const isCitation = cursor.isAfterMarker && CITED.test(cursor.tail);
  const text = cursor.take(found.length);
  if (!isCitation && allows(found.destination)) cursor.show(text);
  else cursor.leaveOut();
  return true;
}

export function readTag(cursor: AnswerCursor, links: LinkPolicy): boolean {
  const found = findTag(cursor.rest, cursor.isEnd);
  if (found === 'more') return false;
  if (found === null) return /^<[a-z/?!]/iu.test(cursor.rest) ? showAsText(cursor) : cursor.showOne(1);
  if (found.autolink !== null) {
    const tag = cursor.take(found.length);
    const isAddress = !found.autolink.includes(':');
    const isAllowed = isAddress ? links.allowsAddress(found.autolink) : links.allowsLink(found.autolink);
    cursor.show(isAllowed ? tag : OMISSION);
    return true;
  }
  const remains = tagRemains(cursor.rest.slice(0, found.length));
  // What stands in it is read on: between two brackets may lie half an answer.
  if (remains === null) return showAsText(cursor);
  const tag = cursor.take(found.length);
  if (remains.keeps) {
    cursor.hasHtml = true;
    cursor.show(tag);
  } else {
    cursor.rest = remains.text + cursor.rest;
    cursor.leaveOut();
  }
  return true;
}

function showAsText(cursor: AnswerCursor): boolean {
  cursor.showOne(1);
  cursor.show(JOINER);
  return true;
}

export function readMailHost(cursor: AnswerCursor, links: LinkPolicy): boolean {
  const local = /[\w.+-]+$/u.exec(cursor.tail)?.[0];
  const found = local === undefined ? null : findMailHost(cursor.rest, cursor.isEnd);
  if (found === 'more') return false;
  if (found === null || links.allowsAddress(local + cursor.rest.slice(0, found.length))) {
    return cursor.showOne(found?.length ?? 1);
  }
  cursor.take(found.length);
  cursor.show(OMISSION);
  return true;
}

/** `&#104;ttps://…`: the reference is shown as it is written. */
export function readEntity(cursor: AnswerCursor): boolean {
  const found = findHiddenCharacter(cursor.rest, cursor.isEnd);
  if (found === 'more') return false;
  if (found === null) return cursor.showOne(1);
  cursor.take(1);
  cursor.show('&amp;');
  return true;
}

export function withoutRefused(code: string, links: LinkPolicy): string {
  return code.replaceAll(/(?<![a-z\d])(?:(?:https?|ftp):\/\/|www\.)[^\s<>"'`)\]}|\\]+/giu, (url) =>
    links.allowsLink(url.replace(/[.,;:!?]+$/u, '')) ? url : OMISSION,
  );
}

/** Whether the label at the end of a text is that of an image, or its beginning is too far back to tell. */
function isImageLabel(text: string): boolean {
  let depth = 0;
  for (let index = text.length - 1; index >= 0; index -= 1) {
    if (text[index] === ']') depth += 1;
    else if (text[index] === '[') depth -= 1;
    if (depth === 0) return text[index - 1] === '!';
  }
  return true;
}
