/** The codec byte of the preface. */
export const codecIds = [1, 2] as const;
export type CodecId = (typeof codecIds)[number];
