import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';

export interface BodyMeter {
  /** Passes on what it is given, as Buffers. */
  stream: Transform;
  /** What has passed, once all of it has. To be asked once. */
  result(): { bytes: number; sha256: string };
}

/** Counts and hashes a body on its way to storage. */
export function createBodyMeter(): BodyMeter {
  const hash = createHash('sha256');
  let bytes = 0;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return { stream, result: () => ({ bytes, sha256: hash.digest('hex') }) };
}
