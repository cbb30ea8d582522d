import type { ASTNode } from '@marcbachmann/cel-js';
import type { ObjectShape, Shape } from '@tidegate/contracts';
import { environmentsFor } from './environment';
import { pathOf } from './inspection';

/** What must hold for a condition to match. */
export interface Demands {
  /** No row of the contract and no caller can match. */
  readonly never: boolean;
  /** The texts that a part of the row or the caller (`row.segment`, `sub.tenant`) must have one of. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

const anything: Demands = { never: false, values: new Map() };
const nothing: Demands = { never: true, values: new Map() };

/** The sources of the parts of a valid condition that `&&` joins; its own alone where they cannot be told apart. */
export function conjunctsOf(source: string, shape: ObjectShape): string[] {
  const split = (node: ASTNode): ASTNode[] => (node.op === '&&' ? node.args.flatMap(split) : [node]);
  const parts = split(parse(source, shape)).map((node) => sourceOf(node, shape));
  return parts.every((part) => part !== undefined) ? parts : [source];
}

/** `isTrue` judges a part that reads neither row nor caller. */
export function demandsOf(source: string, shape: ObjectShape, isTrue: (source: string) => boolean): Demands {
  const of = (node: ASTNode): Demands => {
    if (node.op === '&&') return node.args.map(of).reduce(both);
    if (node.op === '||') return node.args.map(of).reduce(either);
    if (isConstant(node)) {
      const constant = sourceOf(node, shape);
      return constant === undefined || isTrue(constant) ? anything : nothing;
    }
    const [path, texts] = comparison(node) ?? [];
    if (path === undefined || texts === undefined) return anything;
    const known = path[0] === 'row' ? oneOf(shape, path.slice(1)) : undefined;
    return demand(new Map([[path.join('.'), known ? texts.filter((text) => known.includes(text)) : texts]]));
  };
  return of(parse(source, shape));
}

function parse(source: string, shape: ObjectShape): ASTNode {
  return environmentsFor(shape).checking.parse(source).ast;
}

/**
 * The text of a part. The library's ranges begin and end inside parentheses (`(a) == b` at `a`), and its `serialize` loses
 * some: what is missing is taken from around, and what comes of it must be read as the same.
 */
function sourceOf(node: ASTNode, shape: ObjectShape): string | undefined {
  const { input, range } = node;
  const missing = parenthesesMissing(input.slice(range.start, range.end));
  const before = endingWith(input.slice(0, range.start), '(', missing.open);
  const after = endingWith([...input.slice(range.end)].reverse().join(''), ')', missing.close);
  const source = input.slice(range.start - before, range.end + after);
  try {
    return sameTree(parse(source, shape), node) ? source : undefined;
  } catch {
    return undefined;
  }
}

/** Those in string literals count too: then what comes of it is not the same, and is not used. */
function parenthesesMissing(text: string): { open: number; close: number } {
  let depth = 0;
  let open = 0;
  for (const character of text) {
    if (character === '(') depth++;
    else if (character === ')' && depth > 0) depth--;
    else if (character === ')') open++;
  }
  return { open, close: depth };
}

/** How much of the text's end has so many of a parenthesis. */
function endingWith(text: string, parenthesis: string, count: number): number {
  let at = text.length;
  for (let found = 0; found < count && at > 0;) if (text[--at] === parenthesis) found++;
  return text.length - at;
}

function demand(values: ReadonlyMap<string, readonly string[]>): Demands {
  return [...values.values()].some((texts) => texts.length === 0) ? nothing : { never: false, values };
}

function both(a: Demands, b: Demands): Demands {
  if (a.never || b.never) return nothing;
  const values = new Map([...a.values, ...b.values]);
  for (const [path, texts] of a.values) {
    const others = b.values.get(path);
    if (others !== undefined) values.set(path, commonTo(texts, others));
  }
  return demand(values);
}

function commonTo(a: readonly string[], b: readonly string[]): string[] {
  return a.filter((text) => b.includes(text));
}

function either(a: Demands, b: Demands): Demands {
  if (a.never) return b;
  if (b.never) return a;
  const shared = [...a.values].flatMap(([path, texts]) => {
    const others = b.values.get(path);
    return others === undefined ? [] : [[path, [...new Set([...texts, ...others])]] as const];
  });
  return demand(new Map(shared));
}

/** `path == "a"`, `"a" == path` and `path in ["a", "b"]`. */
function comparison(node: ASTNode): [path: string[], texts: string[]] | undefined {
  if (node.op !== '==' && node.op !== 'in') return undefined;
  const [left, right] = node.args;
  const [place, given] = node.op === '==' && left.op === 'value' ? [right, left] : [left, right];
  const path = pathOf(place);
  const listed = node.op === 'in' ? (given.op === 'list' ? given.args : undefined) : [given];
  const texts = listed?.map((item) => (item.op === 'value' ? item.args : undefined));
  if (path === undefined || texts?.every((text) => typeof text === 'string') !== true) return undefined;
  return [path, texts];
}

function oneOf(shape: ObjectShape, path: readonly string[]): readonly string[] | undefined {
  let found: Shape | undefined = shape;
  for (const name of path) found = found?.kind === 'object' ? found.fields.get(name) : undefined;
  return found?.kind === 'string' && !found.nullable ? found.oneOf : undefined;
}

/** Whether it reads neither row nor caller. A part of a loop is never asked for alone. */
function isConstant(node: ASTNode): boolean {
  if (node.op === 'id') return node.args !== 'row' && node.args !== 'sub';
  if (node.op === 'value') return true;
  return innerNodes(node.args).every(isConstant);
}

function sameTree(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, at) => sameTree(one, b[at]));
  return isNode(a) && isNode(b) ? a.op === b.op && sameTree(a.args, b.args) : Object.is(a, b);
}

function innerNodes(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(innerNodes);
  return isNode(args) ? [args] : [];
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value;
}
