import type { ASTNode } from '@marcbachmann/cel-js';
import type { ObjectShape, Shape } from '@tidegate/contracts';

/** What a condition reads: fields of the row (`total`), and parts of the caller as paths (`['claims', 'region']`). */
export interface ConditionUses {
  readonly row: readonly string[];
  /** The same, as deep as the text says it: `lines.sku` for `row.lines.exists(l, l.sku == "a")`. Stands for all inside. */
  readonly paths: readonly string[];
  readonly sub: readonly (readonly string[])[];
}

/** A part of a condition that is refused. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly node: ASTNode,
  ) {
    super(message);
  }
}

/** Everything here takes time linear in its input; `matches` would run a backtracking regular expression. */
const functions = new Set(
  'has size contains startsWith endsWith lowerAscii upperAscii trim int double string bool timestamp duration type'.split(
    ' ',
  ),
);
/** They look at every character or element of what they are given. */
const thorough = new Set(['size', 'contains', 'lowerAscii', 'upperAscii', 'trim']);
const macros = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** A loop's variable, and the path of the row that it goes through. */
interface Loop {
  readonly variable: string;
  readonly path: readonly string[];
  /** Whether its body looks at an element. */
  isRead: boolean;
}

/** Walks a parsed condition: refuses what it may not do, and notes what it reads and which comparisons it makes. */
export class Inspection {
  private readonly row = new Set<string>();
  private readonly paths = new Set<string>();
  private loopOver: Loop | undefined;
  private readonly sub = new Map<string, readonly string[]>();
  /** Nodes of `==`, `!=` and `in`. */
  readonly comparisons: ASTNode[] = [];

  constructor(
    ast: ASTNode,
    private readonly shape: ObjectShape,
  ) {
    this.visit(ast, 0);
  }

  get uses(): ConditionUses {
    return { row: [...this.row], paths: [...this.paths], sub: [...this.sub.values()] };
  }

  private visit(node: ASTNode, loops: number): void {
    switch (node.op) {
      case 'value':
        return;
      case 'id':
        if (node.args === 'row' || node.args === 'sub') throw new Refusal(`name a field of ${node.args}`, node);
        this.access(node);
        return;
      case '.':
      case '[]':
        if (!this.access(node)) this.visitAll(node.args, loops);
        return;
      case 'call':
        return this.call(node, node.args[0], node.args[1], loops);
      case 'rcall':
        if (macros.has(node.args[0])) return this.loop(node, node.args, loops);
        this.visit(node.args[1], loops);
        return this.call(node, node.args[0], node.args[2], loops);
      case 'list':
        return this.visitAll(node.args, loops);
      case 'map':
        return this.visitAll(node.args.flat(), loops);
      case '.?':
      case '[?]':
        throw new Refusal(`"${node.op}" is not offered`, node);
      case '!_':
      case '-_':
        return this.visit(node.args, loops);
      case '==':
      case '!=':
      case 'in':
        // It looks through a list, as a loop does.
        if (node.op === 'in' && loops > 0 && mentionsRow(node.args[1])) {
          throw new Refusal('"in" a part of the row within a loop is not offered', node);
        }
        this.comparisons.push(node);
        return this.visitAll(node.args, loops);
      default:
        return this.visitAll(node.args, loops);
    }
  }

  private visitAll(nodes: readonly (ASTNode | string)[], loops: number): void {
    for (const node of nodes) if (typeof node !== 'string') this.visit(node, loops);
  }

  private call(node: ASTNode, name: string, args: readonly ASTNode[], loops: number): void {
    if (!functions.has(name)) throw new Refusal(`the function "${name}" is not offered`, node);
    // The library parses durations by a regular expression that takes cubic time on digits without a unit.
    if (name === 'duration' && args[0]?.op !== 'value') throw new Refusal('duration() takes a literal only', node);
    // It would cost as much as a loop within a loop.
    if (loops > 0 && thorough.has(name) && mentionsRow(node.args)) {
      throw new Refusal(`${name}() of a part of the row within a loop is not offered`, node);
    }
    this.visitAll(args, loops);
  }

  private loop(node: ASTNode, [macro, list, args]: [string, ASTNode, ASTNode[]], loops: number): void {
    // A loop in a loop costs the square of a row's size.
    if (loops > 0) throw new Refusal('a loop within a loop is not offered', node);
    const [variable, ...rest] = args;
    if (variable?.op === 'id' && (variable.args === 'row' || variable.args === 'sub')) {
      throw new Refusal(`"${variable.args}" is taken; name the loop variable otherwise`, variable);
    }
    const path = pathOf(list);
    // What filter() gives are whole elements, of which anything may be read outside the loop.
    if (variable?.op === 'id' && path?.[0] === 'row' && path.length > 1 && macro !== 'filter') {
      this.row.add(path[1] ?? '');
      this.loopOver = { variable: variable.args, path: path.slice(1), isRead: false };
    } else {
      this.visit(list, loops);
    }
    this.visitAll(rest, loops + 1);
    // A body that looks at no element still tells how many there are.
    if (this.loopOver?.isRead === false) this.reads(this.loopOver.path);
    this.loopOver = undefined;
  }

  /** Notes `row.x`, `sub.x` and `sub.claims.x`, in either spelling, and what a loop's variable reads; false when the node is none of them. */
  private access(node: ASTNode): boolean {
    const path = pathOf(node, this.loopOver?.variable);
    if (path === undefined) return false;
    const [root, name = '', ...names] = path;
    if (root === 'row') {
      this.row.add(name);
      this.reads([name, ...names]);
    } else if (root === 'sub') {
      const part = name === 'claims' ? [name, ...names.slice(0, 1)] : [name];
      this.sub.set(JSON.stringify(part), part);
    } else if (this.loopOver !== undefined) {
      this.loopOver.isRead = true;
      this.reads([...this.loopOver.path, ...path.slice(1)]);
    }
    return true;
  }

  /** Notes a path of the row, as far as the contract names its parts: keys of a map are no names. */
  private reads(path: readonly string[]): void {
    let depth = 0;
    for (let shape: Shape | undefined = this.shape; shape?.kind === 'object' && depth < path.length; depth++) {
      shape = shape.fields.get(path[depth] ?? '');
      while (shape?.kind === 'list') shape = shape.of;
    }
    this.paths.add(path.slice(0, depth).join('.'));
  }
}

/** `['row', 'lines', …]` for accesses that begin at `row`, `sub` or a loop's variable by constant names. */
export function pathOf(node: ASTNode, variable?: string): string[] | undefined {
  if (node.op === 'id') return ['row', 'sub', variable].includes(node.args) ? [node.args] : undefined;
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const path = pathOf(node.args[0], variable);
  const name = node.op === '.' ? node.args[1] : literal(node.args[1]);
  if (path === undefined) return undefined;
  return typeof name === 'string' ? [...path, name] : undefined;
}

function mentionsRow(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(mentionsRow);
  if (typeof node !== 'object' || node === null || !('op' in node)) return false;
  const { op, args } = node as ASTNode;
  return op === 'id' ? args === 'row' : mentionsRow(args);
}

function literal(node: ASTNode): unknown {
  return node.op === 'value' ? node.args : undefined;
}
