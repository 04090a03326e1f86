/** How much a file may turn out to hold: what is packed in a few bytes may not fill the memory. */
export const limits = {
  /** Bytes that one part of an archive, and all parts read of it, may unpack to. */
  unpackedBytes: 256 * 1024 * 1024,
  /** UTF-16 units of extracted text. */
  textLength: 48 * 1024 * 1024,
  /** Elements inside each other. */
  depth: 500,
  /** Parts of an archive. */
  parts: 20_000,
} as const
