/**
 * What is read often and seldom changed, such as the definitions of plans, in the memory of each process. What it gives
 * is for showing: whoever counts against a limit reads the database. Values are shared: nobody changes them.
 */
export interface DefinitionCache {
  /** What `read` gave when it was last asked under this key; equal callers share one reading. A failure is not kept. */
  fetch<Value>(key: string, read: () => Promise<Value>): Promise<Value>;
  /** After a change is committed: this process reads anew at once, the others as soon as they hear of it. Never fails. */
  drop(): void;
}
