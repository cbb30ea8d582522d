import { contractShapes } from '@tidegate/contracts';
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
