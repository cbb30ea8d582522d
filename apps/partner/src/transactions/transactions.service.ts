import { Inject, Injectable } from '@nestjs/common';
import { auditNotes } from '@tidegate/audit';
import { type Principal } from '@tidegate/auth';
import { type JsonObject } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { Idempotency, type IdempotentAnswer } from '@tidegate/http';
import { Policy } from '@tidegate/policy';
import { StreamHub } from '@tidegate/streams';
import { type ServiceClient } from '@tidegate/upstream';
import { randomUUID } from 'node:crypto';
import { TransactionRequests } from './transaction-requests';
import {
  type AcceptedTransaction,
  type ListTransactions,
  type PostTransaction,
  type TransactionPage,
} from './transactions.dto';
import { uuidV5 } from './uuid-v5';

/** Injection token of the client of the accounts service. */
export const ACCOUNTS = Symbol('tidegate.partner.accounts');

/** Ours alone, so that nobody else's names give the same ids. */
const transactionNamespace = '7f1d9c1e-0f0b-4a37-9a0e-5d5c1a3a6f52';

@Injectable()
export class TransactionsService {
  constructor(
    private readonly hub: StreamHub,
    private readonly policy: Policy,
    private readonly requests: TransactionRequests,
    private readonly idempotency: Idempotency,
    @Inject(ACCOUNTS) private readonly accounts: Pick<ServiceClient, 'get'>,
  ) {}

  /** What the caller may see of all movements, oldest first within each account. */
  async list(caller: Principal, { limit, after, from = 'earliest' }: ListTransactions): Promise<TransactionPage> {
    const start = after === undefined ? { from } : { after };
    const { records, cursor, gap, caughtUp } = await this.hub.read(caller, 'transactions', {
      ...start,
      limit,
      waitMs: 0,
    });
    // A page with rows always has a next one, so that whoever asks again later keeps a cursor behind the last row.
    const next = records.length === 0 && caughtUp ? null : cursor;
    return { items: records, next, ...(gap !== null && { gap }) };
  }

  /** Hands a movement to the bank, once for each key. */
  post(caller: Principal, body: PostTransaction, key?: string): Promise<IdempotentAnswer<AcceptedTransaction>> {
    const whose = JSON.stringify([caller.tenant, caller.clientId, caller.subject]);
    const transactionId = key === undefined ? randomUUID() : uuidV5(transactionNamespace, `${whose}\n${key}`);
    const request = { key, caller: whose, operation: 'POST /v1/transactions', body };
    return this.idempotency.run(request, () => this.request(caller, body, transactionId));
  }

  private async request(caller: Principal, body: PostTransaction, transactionId: string): Promise<AcceptedTransaction> {
    const tenantId = await this.checkAccount(caller, body);
    const placement = await this.requests.post({
      transactionId,
      ...body,
      tenantId,
      clientId: caller.clientId ?? caller.subject,
      requestedAt: new Date().toISOString(),
    });
    const { topic, partition, offset } = placement;
    const ranges = [{ partition, from: offset, to: String(BigInt(offset) + 1n) }];
    auditNotes.add({ stream: 'transactions', topics: [{ topic, ranges }] });
    return { transactionId, topic, partition, offset };
  }

  /** The tenant of an account on which the caller may have such a movement booked. */
  private async checkAccount(caller: Principal, { accountId, amount, currency }: PostTransaction): Promise<string> {
    const view = this.policy.view(caller, 'transactions', 'write');
    const { version: policyVersion } = this.policy;
    const account = await this.accounts.get(`/accounts/${encodeURIComponent(accountId)}`);
    const movement: JsonObject = { ...account, amount };
    const { tenantId, currency: kept } = account;
    if (view !== undefined) auditNotes.add({ stream: 'transactions', grants: view.grantIds, policyVersion });
    // Somebody else's account and one that does not exist are answered alike.
    // Nor may anybody look for accounts whose ids are hidden from them.
    const hidden = view === undefined || view.restricted('accountId') || view.apply(movement) === undefined;
    if (hidden || typeof tenantId !== 'string') {
      throw new AppError('not_found', 'There is no such resource for this caller.');
    }
    if (kept === currency) return tenantId;
    const detail = `The account is not kept in ${currency}.`;
    throw new AppError('unprocessable', detail, { details: [{ pointer: '/currency', detail }] });
  }
}
