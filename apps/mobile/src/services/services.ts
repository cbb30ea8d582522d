import { ServiceClient, ServiceToken, type ServiceTokenOptions } from '@tidegate/upstream';

export interface ServicesOptions {
  customersUrl: string;
  ordersUrl: string;
  accountsUrl: string;
  timeoutMs: number;
  token: ServiceTokenOptions;
}

/** The services that the phone's screens are made of. */
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
