export interface Gate {
  open: () => void;
  /** Resolves once the gate is open. */
  passed: Promise<void>;
}

/** Lets a test say when something goes on, and wait for it without looking at a clock. */
export function createGate(): Gate {
  let open: () => void = () => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}
