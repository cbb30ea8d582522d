import { contractShapes } from '@tidegate/contracts';
import fc from 'fast-check';
import { compileCondition } from './condition';

const demands = (source: string) => compileCondition(source, { row: contractShapes.transaction }).demands();

describe('demands()', () => {
  it.each([
    'false',
    '1 > 2',
    '!true',
    'row.customerId == sub.id && false',
    'false && true || size("ab") == 1',
    'row.segment == "retail" && row.segment == "business"',
    'row.segment in ["retail"] && (row.segment == "business" || false)',
    '"retial" == row.segment',
    'row.segment in ["x", "y"]',
    'row.currency in []',
    'sub.tenant == "north" && sub.tenant == "south"',
    '(row.segment == "retail" && sub.id == "1") && (sub.id == "2" || sub.id == "3")',
    '[1, 2].exists(x, x > 2)',
  ])('sees that %s never matches', (source) => {
    expect(demands(source).never).toBe(true);
  });

  it.each([
    'true',
    'row.customerId == sub.id',
    'row.customerId == sub.id || false',
    'row.segment == "retail" || row.segment == "business"',
    'row.segment != "retial"',
    '!(row.segment == "retail" && row.segment == "business")',
    'row.amount > 1.0 && row.amount < 0.0',
    'sub.roles.exists(r, r == "a") && sub.roles.exists(r, r == "b")',
    '"a" in sub.roles && "b" in sub.roles',
    'row.segment in ["retail", sub.id]',
  ])('does not claim that of %s', (source) => {
    expect(demands(source).never).toBe(false);
  });

  it('knows the texts that a match needs', () => {
    const source =
      '(row.tenantId == "mars" && row.segment in ["retail", "x"] || row.tenantId == "venus" && row.segment == "business") ' +
      '&& sub.claims.region == "west" && row.amount > 1.0';
    expect(Object.fromEntries(demands(source).values)).toEqual({
      'row.tenantId': ['mars', 'venus'],
      'row.segment': ['retail', 'business'],
      'sub.claims.region': ['west'],
    });
    expect(demands('row.tenantId == "a" || row.segment == "retail"').values.size).toBe(0);
  });
});

describe('explain()', () => {
  it.each([
    ['(1) == 1', ['(1) == 1']],
    ['(row.customerId) == sub.id && (row.amount) > (1.0)', ['(row.customerId) == sub.id', '(row.amount) > (1.0)']],
    ['((row.amount > 1.0) || (false)) && !(true && (false))', ['(row.amount > 1.0) || (false)', '!(true && (false))']],
    ['(row.customerId + "a") == ("1a") && ((1) == (1))', ['(row.customerId + "a") == ("1a")', '(1) == (1)']],
    [
      '(row.amount > 1.0 ? true : (false)) && (("a") in (["a"]))',
      ['row.amount > 1.0 ? true : (false)', '("a") in (["a"])'],
    ],
    [
      'sub.roles.exists(r, (r) == ("a")) && size((sub.roles)) > (0)',
      ['sub.roles.exists(r, (r) == ("a"))', 'size((sub.roles)) > (0)'],
    ],
    ['row["currency"] == "EUR" && sub.claims["a b"] == 1', ['row["currency"] == "EUR"', 'sub.claims["a b"] == 1']],
    [
      '(((row.amount > 1.0 && true))) && (row.amount - (1.0 - 2.0) > 2.5)',
      ['row.amount > 1.0', 'true', 'row.amount - (1.0 - 2.0) > 2.5'],
    ],
    [
      'row.currency != ")" && (row.currency) != "((" && true',
      ['row.currency != ")" && (row.currency) != "((" && true'],
    ],
  ])('takes %s apart as it was written', (source, parts) => {
    const condition = compileCondition(source, { row: contractShapes.transaction });
    const row = { customerId: '1', amount: 2, currency: 'EUR' };
    const { verdict, clauses } = condition.explain({ row, sub: { id: '1', roles: ['a'], claims: { 'a b': 1 } } });
    expect(clauses.map((clause) => clause.source)).toEqual(parts);
    expect(verdict).toBe('match');
    for (const clause of clauses) expect(clause.verdict).toBe('match');
    expect(condition.demands().never).toBe(false);
  });

  it('never fails, and agrees with the whole, however a condition is put together', () => {
    const atom = fc.constantFrom(
      'row.amount > 1.0',
      'sub.id == "1"',
      'true',
      'false',
      'row.currency in ["EUR"]',
      '1 == 2',
      '")" == "("',
    );
    const joined = fc.letrec<{ condition: string }>((tie) => ({
      condition: fc.oneof(
        { maxDepth: 3 },
        atom,
        tie('condition').map((inner) => `(${inner})`),
        tie('condition').map((inner) => `!(${inner})`),
        fc
          .tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition'))
          .map(([a, is, b]) => `(${a}) ${is} (${b})`),
        fc.tuple(tie('condition'), tie('condition')).map(([a, b]) => `${a} && ${b}`),
      ),
    })).condition;
    fc.assert(
      fc.property(joined, fc.constantFrom(0, 2), fc.constantFrom('1', '2'), (source, amount, id) => {
        const condition = compileCondition(source, { row: contractShapes.transaction });
        const scope = { row: { amount, currency: 'EUR' }, sub: { id, roles: [], claims: {} } };
        const { verdict, clauses } = condition.explain(scope);
        expect(verdict).toBe(condition.evaluate(scope));
        expect(clauses.every((clause) => clause.verdict === 'match')).toBe(verdict === 'match');
        if (condition.demands().never) expect(verdict).toBe('no-match');
      }),
      { numRuns: 300 },
    );
  });
});
