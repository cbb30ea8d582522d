export const mebibyte = 1024 * 1024;

/** A broker lets a batch of 1 MiB in; well-behaved data does not grow to 32 times that. */
export const defaultMaxInflatedBytes = 32 * mebibyte;
