import { priceLines, totalOf, type Product } from './pricing';

const bananas: Product = { sku: '1', product: 'BANANAS', brand: 'National', department: 'PRODUCE', unitPrice: 0.85 };
const fuel: Product = { sku: '2', product: null, brand: 'Private', department: 'FUEL', unitPrice: 0.002199 };
const products = new Map([bananas, fuel].map((product) => [product.sku, product]));

describe('priceLines()', () => {
  it('joins the lines with their products, in the order in which they came', () => {
    const lines = priceLines(
      [
        { sku: '2', quantity: 999 },
        { sku: '1', quantity: 3 },
      ],
      products,
    );
    expect(lines).toEqual([
      { ...fuel, quantity: 999, discount: 0 },
      { ...bananas, quantity: 3, discount: 0 },
    ]);
    expect(totalOf(lines)).toBe(4.75);
  });

  it('points to every product that the shop does not have', () => {
    const asked = ['9', '1', '8'].map((sku) => ({ sku, quantity: 1 }));
    const refusal = expect.objectContaining({
      code: 'unprocessable',
      details: ['/lines/0/sku', '/lines/2/sku'].map((pointer) => expect.objectContaining({ pointer }) as object),
    }) as Error;
    expect(() => priceLines(asked, products)).toThrow(refusal);
  });
});
