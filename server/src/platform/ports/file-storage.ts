import type { Readable } from 'node:stream';

export interface FileStorage {
  /**
   * Streams a body to storage under `key` (slash-separated, made by us, never by a user). An existing file is
   * replaced; a body that fails half-way leaves nothing.
   * @returns size in bytes and SHA-256 in hex of what was stored
   */
  write(key: string, body: Readable): Promise<{ bytes: number; sha256: string }>;
  /** @throws SourceError `file_missing` */
  read(key: string): Promise<Readable>;
  /** Deletes what is there; a missing file is no error. */
  delete(key: string): Promise<void>;
  /** Deletes every file whose key starts with `prefix` (a folder, ending in a slash). */
  deleteFolder(prefix: string): Promise<void>;
}
