import type { JsonObject, Problem } from '@tidegate/contracts';

interface Accepted {
  transactionId: string;
  topic: string;
  partition: number;
  offset: string;
}

export interface PartnerAnswer {
  status: number;
  headers: Headers;
  body: Accepted & Problem;
}

/** A partner with one API key. */
export class PartnerClient {
  constructor(
    readonly url: string,
    readonly key: string,
  ) {}

  async post(movement: object, idempotencyKey?: string): Promise<PartnerAnswer> {
    const response = await fetch(`${this.url}/v1/transactions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-api-key': this.key,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify(movement),
      signal: AbortSignal.timeout(30_000),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as PartnerAnswer['body'],
    };
  }

  async page(query = ''): Promise<{ status: number; items: JsonObject[]; next: string | null }> {
    const response = await fetch(`${this.url}/v1/transactions${query}`, { headers: { 'x-api-key': this.key } });
    const body = (await response.json()) as { items: JsonObject[]; next: string | null };
    return { status: response.status, items: body.items, next: body.next };
  }

  /** All that can be seen from a start on, page by page. */
  async list(start = 'from=earliest'): Promise<JsonObject[]> {
    const items: JsonObject[] = [];
    for (let query = start; ;) {
      const page = await this.page(`?limit=1000&${query}`);
      if (page.status !== 200) throw new Error(`the list answered ${page.status}`);
      items.push(...page.items);
      if (page.next === null) return items;
      query = `after=${encodeURIComponent(page.next)}`;
    }
  }
}
