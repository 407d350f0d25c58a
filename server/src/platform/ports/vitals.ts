export interface DiskSpace {
  freeBytes: number;
  totalBytes: number;
}

/** How what this process stands on is, for `/health` and `/metrics`. */
export interface Vitals {
  /** Connections to the database, and how many callers wait for one. */
  pool: () => { total: number; idle: number; waiting: number };
  /** Of the disk that holds `DATA_DIR`. */
  disk: () => Promise<DiskSpace>;
  /** Null: no Redis is configured. @throws while it does not answer */
  pingRedis: (() => Promise<void>) | null;
  /** Null: the models are built in. @throws while nobody listens where the model endpoint should be */
  reachModels: (() => Promise<void>) | null;
}
