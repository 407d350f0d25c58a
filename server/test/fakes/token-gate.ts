/** Holds back the tokens of a fake model, so that a test says when each one comes. */
export interface TokenGate {
  /** Lets this many more tokens pass. */
  release(count?: number): void;
  /** Lets all tokens pass from now on. */
  open(): void;
  /** For the fake: resolves when the next token may pass. */
  pass(): Promise<void>;
}

export function createTokenGate(): TokenGate {
  let available = 0;
  const waiting: (() => void)[] = [];
  return {
    release(count = 1) {
      available += count;
      while (available > 0 && waiting.length > 0) {
        available -= 1;
        waiting.shift()?.();
      }
    },
    open() {
      this.release(Number.POSITIVE_INFINITY);
    },
    pass() {
      if (available > 0) {
        available -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
