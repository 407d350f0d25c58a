/** Takes an entry of a sitemap; false when it takes no more. */
export type EntryTaker = (url: string, lastModified: Date | null) => boolean;

/** Takes the text of a sitemap piece by piece. */
export interface SitemapReader {
  type: 'urlset' | 'index';
  /** Returns whether it wants more. */
  write(text: string): boolean;
  /** Gives out what is left, and returns whether the document breaks off. */
  end(): boolean;
}
