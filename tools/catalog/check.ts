import { loadCatalog, loadDeviceCatalog, loadLimits, openCatalog, type CatalogProblem } from '@tidegate/catalog';
import { reviewCatalog } from '@tidegate/policy';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { lineOf, problemsOf } from './problems';

/** What is wrong with a catalog, and what it says in vain, a line each. */
export function checkCatalog(directory: string): string[] {
  const problems = problemsOf(() => {
    const { catalog, placeOf } = openCatalog(directory);
    return reviewCatalog(catalog).map(({ file, path: at, message }) => ({ ...placeOf(file, at), message }));
  });
  return [...problems, ...deviceProblems(directory)].map((problem) => lineOf(directory, problem));
}

/** What a process would refuse a catalog for. */
export function refusalsOf(directory: string): string[] {
  const problems = problemsOf(() => {
    loadCatalog(directory);
    return [];
  });
  return problems.map((problem) => lineOf(directory, problem));
}

/** What is wrong with the limits of an app. */
export function checkLimits(file: string): string[] {
  const problems = problemsOf(() => {
    loadLimits(file);
    return [];
  });
  return problems.map((problem) => lineOf('', problem));
}

function deviceProblems(directory: string): CatalogProblem[] {
  const file = 'devices.yaml';
  if (!existsSync(path.join(directory, file))) return [];
  const problems = problemsOf(() => {
    loadDeviceCatalog(directory);
    return [];
  });
  // What is wrong with the tenants is known already.
  return problems.filter((problem) => problem.file === file);
}
