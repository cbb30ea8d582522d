import type { ASTNode } from '@marcbachmann/cel-js';
import { isMap, kindOf } from './cel-value';

type Compare = (left: unknown, right: unknown, node: unknown, evaluator: unknown) => unknown;

/** What cel-js 8.0.0 keeps on a checked comparison. Not its public interface: condition.spec.ts holds it to this. */
interface CheckedComparison {
  left: { checkedType: { hasDynType: boolean } };
  right: { checkedType: { hasDynType: boolean; kind: string } };
  handle: Compare;
}

/** One object for all, since making a stack trace costs more than the rest of an evaluation. */
const mismatch = new Error('values of different types are not compared');

/**
 * In CEL `"5" != 5` is true, so a claim of the wrong type would open a filter. Where the types of a comparison are known
 * only at run time, replaces it by one that fails on values of different types. A literal `null` may be compared with
 * anything.
 */
export function makeStrict(comparison: ASTNode): void {
  if (comparison.op !== '==' && comparison.op !== '!=' && comparison.op !== 'in') return;
  const node = comparison as unknown as CheckedComparison;
  if (!node.left.checkedType.hasDynType && !node.right.checkedType.hasDynType) return;
  if (comparison.op !== 'in' && comparison.args.some(({ op, args }) => op === 'value' && args === null)) return;
  const lenient = node.handle;
  // Keys are looked up only in what is known to be a map: elsewhere a list is meant, and a map is the wrong type.
  const among = node.right.checkedType.kind === 'map' ? isKeyOf : isElementOf;
  const strict = { '==': equals, '!=': (a: unknown, b: unknown) => !equals(a, b), in: among }[comparison.op];
  node.handle = (left, right, ...rest) => {
    // What JSON does not have (timestamps, types) the library compares, as long as both sides are that.
    const foreign = comparison.op !== 'in' && kindOf(left) === 'other' && kindOf(right) === 'other';
    return foreign ? lenient(left, right, ...rest) : strict(left, right);
  };
}

function equals(left: unknown, right: unknown): boolean {
  const kind = kindOf(left);
  if (kind !== kindOf(right) || kind === 'other') throw mismatch;
  // Also keeps the cost of comparing a list that holds one row many times low.
  if (left === right) return true;
  switch (kind) {
    case 'number':
      // Orders a bigint and a double by their exact values, which === would not.
      return (left as number) <= (right as number) && (left as number) >= (right as number);
    case 'list':
      return listsEqual(left as unknown[], right as unknown[]);
    case 'map':
      return mapsEqual(entriesOf(left as object), entriesOf(right as object));
    default:
      return false;
  }
}

function listsEqual(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((value, index) => equals(value, right[index]));
}

function mapsEqual(left: ReadonlyMap<string, unknown>, right: ReadonlyMap<string, unknown>): boolean {
  return left.size === right.size && [...left].every(([key, value]) => right.has(key) && equals(value, right.get(key)));
}

function isKeyOf(value: unknown, map: unknown): boolean {
  if (typeof value !== 'string' || !isMap(map)) throw mismatch;
  return entriesOf(map).has(value);
}

function isElementOf(value: unknown, list: unknown): boolean {
  if (!Array.isArray(list)) throw mismatch;
  const kind = kindOf(value);
  // An element of another type must not pass for "not in the list".
  if (list.some((element) => kindOf(element) !== kind)) throw mismatch;
  return list.some((element) => equals(value, element));
}

function entriesOf(map: object): ReadonlyMap<string, unknown> {
  return map instanceof Map ? (map as Map<string, unknown>) : new Map(Object.entries(map));
}
