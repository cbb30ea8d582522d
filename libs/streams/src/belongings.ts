/** What a session or a read has taken and gives back when it is over, in the reverse order. */
export class Belongings {
  private releases: (() => void)[] = [];

  keep(release: () => void): void {
    this.releases.push(release);
  }

  letGo(): void {
    const releases = this.releases.reverse();
    this.releases = [];
    for (const release of releases) release();
  }
}
