// Prints the problems of the manifests on standard input. A process of its own, since kubernetes-models is ESM only.
import { text } from 'node:stream/consumers';

/** @type {import('./manifest.ts').Manifest[]} */
const manifests = JSON.parse(await text(process.stdin));
const problems = [];
for (const manifest of manifests) {
  const models = await import(`kubernetes-models/${manifest.apiVersion}`);
  try {
    new models[manifest.kind](manifest).validate();
  } catch (error) {
    problems.push(
      `${manifest.kind} ${manifest.metadata.name}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
process.stdout.write(JSON.stringify(problems));
