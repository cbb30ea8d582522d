import { readFileSync } from 'node:fs';

/** The values that every side sends, one a line, again and again. */
export class Values {
  private readonly lines: string[];
  private at = 0;

  constructor(file: string) {
    this.lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  }

  next(): string {
    this.at = (this.at + 1) % this.lines.length;
    return this.lines[this.at] as string;
  }
}
