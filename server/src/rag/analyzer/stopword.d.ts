declare module 'stopword' {
  /** One export per language, named by its ISO 639-3 code; they are looked up by name, so one stands for all. */
  export const eng: readonly string[];
}
