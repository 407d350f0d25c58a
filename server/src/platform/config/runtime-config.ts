import type { Config } from './config.js';

/** The configuration of a running program: every secret is there, given or generated. */
export interface RuntimeConfig extends Config {
  jwtSecret: string;
  encryptionKey: Buffer;
  /** What may have been encrypted with: `encryptionKey` first, then older ones. */
  decryptionKeys: Buffer[];
}
