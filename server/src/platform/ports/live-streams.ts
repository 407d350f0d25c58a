/** An event of a stream; `sequence` rises and names the same event in every replay. */
export interface StreamEvent {
  sequence: number;
  name: string;
  data: unknown;
}

/** Streams that run on without their reader, so that others can join or stop them. */
export interface LiveStreams {
  /**
   * Drives `events` to its end, whoever reads. It must not throw: what fails becomes an event.
   * @param stop aborted by `stop` and when the process has drained long enough
   */
  start(id: string, events: AsyncIterable<StreamEvent>, stop: AbortController): void;
  /** Events after `afterSequence`, then those to come; null when no such stream runs here. */
  read(id: string, afterSequence: number, signal: AbortSignal): AsyncIterable<StreamEvent> | null;
  /** @returns whether a stream with that id was running here */
  stop(id: string): boolean;
  /** Waits until every stream has ended; after `timeoutMs` those that remain are stopped. */
  drain(timeoutMs: number): Promise<void>;
}
