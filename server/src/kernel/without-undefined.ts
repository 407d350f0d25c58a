/** The properties that are there: an update sets nothing else. */
export function withoutUndefined<T extends object>(
  input: T,
): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as never;
}
