/**
 * Whether the text begins as the pattern says (RFC 9309, 2.2.3): `*` stands for any run of characters, and a `$` at
 * the end for the end of the text. Leftmost matching of the pieces between the stars is enough and never goes back,
 * so that no pattern of a stranger can make it slow.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  const isAnchored = pattern.endsWith('$');
  const end = isAnchored ? pattern.length - 1 : pattern.length;
  const lastStar = end === 0 ? -1 : pattern.lastIndexOf('*', end - 1);
  if (lastStar === -1) return isAnchored ? text === pattern.slice(0, end) : text.startsWith(pattern);

  const firstStar = pattern.indexOf('*');
  if (!text.startsWith(pattern.slice(0, firstStar))) return false;
  let position = firstStar;
  for (let star = firstStar; star < lastStar;) {
    const nextStar = pattern.indexOf('*', star + 1);
    const piece = pattern.slice(star + 1, nextStar);
    const found = text.indexOf(piece, position);
    if (found === -1) return false;
    position = found + piece.length;
    star = nextStar;
  }

  const tail = pattern.slice(lastStar + 1, end);
  if (isAnchored) return text.length - tail.length >= position && text.endsWith(tail);
  return text.includes(tail, position);
}
