import type { Readable } from 'node:stream';

export interface StoredFile {
  key: string;
  modifiedAt: Date;
  bytes: number;
}

/**
 * Where uploaded files live. Every act throws AppError `unavailable` while the storage is away, full or refuses
 * us; a key that is not ours to make is a bug and throws a plain error.
 */
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
  /**
   * Every whole file below a folder (`prefix` ends in a slash), as it is met: the files of one folder come one
   * after another, otherwise in no promised order. Names that are not keys of ours are passed over.
   */
  list(prefix: string): AsyncIterable<StoredFile>;
  /**
   * Deletes what writes below a folder left that began before a moment and never ended, because their process
   * was killed. Such a rest is no file: it cannot be read and is not listed.
   * @returns how many there were
   */
  deleteUnfinished(prefix: string, startedBefore: Date): Promise<number>;
}
