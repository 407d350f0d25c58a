/** One part of a key. It starts with no dot, so that it is neither `..` nor the name of a partial file. */
const KEY_PART_PATTERN = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

export function isKeyPart(name: string): boolean {
  return KEY_PART_PATTERN.test(name);
}

/** The parts of a key or of a folder without its last slash. @throws Error for a key that is not ours to make */
export function splitKey(key: string): string[] {
  const parts = key.split('/');
  if (!parts.every(isKeyPart)) throw new Error('not a key of the file storage');
  return parts;
}

/** The parts of a folder, whose prefix ends in a slash: without it `p1` would stand for `p10` too. */
export function splitFolder(prefix: string): string[] {
  if (!prefix.endsWith('/')) throw new Error('the prefix of a folder ends in a slash');
  return splitKey(prefix.slice(0, -1));
}
