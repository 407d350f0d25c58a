/** What a probe found, and how long it took. */
export interface Reading<T> {
  /** Null: it failed, or did not come in time. */
  value: T | null;
  milliseconds: number;
}

/**
 * A look at something that may hang. It is repeated when `freshMs` have passed, so that whoever asks more often costs
 * nothing, and never while the one before still hangs, so that a wait does not pile up others.
 */
export function createProbe<T>(
  look: () => Promise<T>,
  { freshMs, timeoutMs }: { freshMs: number; timeoutMs: number },
): () => Promise<Reading<T>> {
  let last: { at: number; reading: Promise<Reading<T>> } | null = null;
  let hanging: Promise<T | null> | null = null;
  return () => {
    const now = performance.now();
    if (last !== null && now - last.at <= freshMs) return last.reading;
    hanging ??= Promise.resolve()
      .then(look)
      .catch(() => null)
      .finally(() => (hanging = null));
    last = { at: now, reading: inTime(hanging, timeoutMs) };
    return last.reading;
  };
}

async function inTime<T>(look: Promise<T | null>, timeoutMs: number): Promise<Reading<T>> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs);
  });
  const value = await Promise.race([look, late]);
  clearTimeout(timer);
  return { value, milliseconds: Math.round((performance.now() - startedAt) * 10) / 10 };
}
