export interface PasswordHasher {
  /** Hashes a password of any length; waits while too many are being hashed. */
  hash(password: string): Promise<string>;
  /** @param hash null takes the same time as a wrong password, and is false */
  verify(password: string, hash: string | null): Promise<boolean>;
}
