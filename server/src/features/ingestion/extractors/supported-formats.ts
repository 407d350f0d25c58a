/** What a person can do whose file cannot be read; the only place that lists the formats in words. */
export const UPLOAD_SUPPORTED_FORMAT =
  'Upload a PDF, Word, PowerPoint, Excel, EPUB, CSV, JSON, HTML, Markdown or text file.';
