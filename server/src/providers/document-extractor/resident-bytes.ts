import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const BYTES_PER_KIB = 1024;
const LINUX_INTERVAL_MS = 50;
/** Elsewhere each look starts a `ps`. */
const OTHER_INTERVAL_MS = 250;

/**
 * Watches how much memory a process really holds and reports it once when it is more than `maxBytes`. An
 * address-space limit cannot do this: V8 reserves far more than it uses.
 * @returns what stops watching.
 */
export function watchResidentBytes(
  processId: number,
  maxBytes: number,
  onExcess: (bytes: number) => void,
): () => void {
  let isLooking = false;
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    const bytes = await residentBytesOf(processId);
    isLooking = false;
    if (bytes === null || bytes <= maxBytes) return;
    clearInterval(timer);
    onExcess(bytes);
  };
  const timer = setInterval(
    () => void look(),
    process.platform === 'linux' ? LINUX_INTERVAL_MS : OTHER_INTERVAL_MS,
  );
  timer.unref();
  return () => clearInterval(timer);
}

/** Null once the process is gone. */
export async function residentBytesOf(processId: number): Promise<number | null> {
  try {
    // At once: the kernel answers from memory, in a fraction of what a promise would take.
    // `status` counts in KiB whatever the size of a page, where `statm` counts pages.
    const kibibytes =
      process.platform === 'linux'
        ? /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1]
        : (await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(processId)])).stdout;
    const parsed = Number.parseInt(kibibytes ?? '', 10);
    return Number.isFinite(parsed) ? parsed * BYTES_PER_KIB : null;
  } catch {
    return null;
  }
}
