/** An event of a stream; `sequence` rises and names the same event in every replay. */
export interface StreamEvent {
  sequence: number;
  name: string;
  data: unknown;
}

/** Streams that run on without their reader, so that others can join or stop them. */
export interface LiveStreams {
  /**
   * Drives `events` to its end in this process, whoever reads. It must not throw: what fails becomes an event.
   * @param stop aborted by `stop` and when the process has drained long enough
   */
  start(id: string, events: AsyncIterable<StreamEvent>, stop: AbortController): void;
  /**
   * Events after `afterSequence`, then those to come; null when no such stream is within reach. It never fails. A
   * stream of another process may break off before its last event, when that process or the way to it is lost.
   */
  read(id: string, afterSequence: number, signal: AbortSignal): Promise<AsyncIterable<StreamEvent> | null>;
  /** Never fails. @returns whether a stream with that id was within reach, and has been told to stop */
  stop(id: string): Promise<boolean>;
  /** Waits until every stream of this process has ended; after `timeoutMs` those that remain are stopped. */
  drain(timeoutMs: number): Promise<void>;
}
