import { ServiceClient, ServiceToken, type ServiceTokenOptions } from '@tidegate/upstream';

export interface ServicesOptions {
  customersUrl: string;
  ordersUrl: string;
  accountsUrl: string;
  timeoutMs: number;
  token: ServiceTokenOptions;
}

/** The services that dashboards are made of; each call has `timeoutMs` in all. */
export class Services {
  readonly customers: ServiceClient;
  readonly orders: ServiceClient;
  readonly accounts: ServiceClient;

  constructor({ customersUrl, ordersUrl, accountsUrl, timeoutMs, token }: ServicesOptions) {
    const serviceToken = new ServiceToken(token);
    const client = (name: string, url: string): ServiceClient =>
      new ServiceClient({ name, url, timeoutMs }, serviceToken);
    this.customers = client('customers', customersUrl);
    this.orders = client('orders', ordersUrl);
    this.accounts = client('accounts', accountsUrl);
  }
}
