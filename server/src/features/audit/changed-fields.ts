import { isDeepStrictEqual } from 'node:util';

/** What was and what is, of those named fields that an update has changed. */
export function changedFields<Row extends object>(
  before: Row,
  after: Row,
  names: readonly (keyof Row & string)[],
): Record<string, { before: unknown; after: unknown }> {
  return Object.fromEntries(
    names
      .filter((name) => !isDeepStrictEqual(before[name], after[name]))
      .map((name) => [name, { before: before[name], after: after[name] }]),
  );
}
