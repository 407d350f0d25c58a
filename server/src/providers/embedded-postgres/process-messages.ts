/** What the parent asks of the process of the embedded database. */
export type ParentMessage = { type: 'ping' } | { type: 'stop' };

/**
 * What that process tells its parent. `created`: it has made the database and ends, to be started again: making it
 * takes 150 MB that it would keep for all its life. `pong` is sent only when the database has answered.
 */
export type ChildMessage =
  | { type: 'created' }
  | { type: 'ready' }
  | { type: 'in_use' }
  | { type: 'failed'; message: string }
  | { type: 'pong' };
