export type Report = Record<string, number>;

/** Does the job of the command line, prints what it found, and ends; also when whoever asked for it is gone. */
export async function doJob<Job>(work: (job: Job) => Promise<Report>): Promise<void> {
  process.stdin.on('end', () => process.exit(1)).resume();
  try {
    const report = await work(JSON.parse(process.argv[2] ?? '{}') as Job);
    process.stdout.write(JSON.stringify(report), () => process.exit(0));
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
