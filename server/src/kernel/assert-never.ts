/** Exhausts a union: a member that is not handled becomes a compile error here, and a crash at run time. */
export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}
