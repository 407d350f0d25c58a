/** Where an error came up: constants and ids of ours, nothing that somebody wrote. */
export interface ErrorOrigin {
  /** The sentence of the log line, which is a constant. */
  what: string;
  requestId?: string;
  /** The pattern, such as `/v1/projects/:projectId`. */
  route?: string;
  jobType?: string;
  task?: string;
}

/** Tells people of bugs. */
export interface ErrorTracker {
  /** Passes over errors that are expected. Never throws, and waits for nothing. */
  report: (error: unknown, origin: ErrorOrigin) => void;
  /** Sends what is still to be sent, for `timeoutMs` at most. */
  stop: (timeoutMs: number) => Promise<void>;
}
