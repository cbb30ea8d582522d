import { Injectable } from '@nestjs/common';
import type { Customer } from '@tidegate/contracts';
import { AppError } from '@tidegate/errors';
import { Pool, type Row } from '@tidegate/postgres';

interface CustomerRow extends Row {
  customer_id: string;
  tenant_id: string;
  name: string;
  email: string;
  phone: string;
  address: string;
  age_band: string | null;
  income_band: string | null;
  household_size: string | null;
}

/** Customers of the shop. */
@Injectable()
export class CustomersService {
  constructor(private readonly pool: Pool) {}

  async get(customerId: string): Promise<Customer> {
    const { rows } = await this.pool.query<CustomerRow>('SELECT * FROM customers.customers WHERE customer_id = $1', [
      customerId,
    ]);
    if (rows[0] === undefined) throw new AppError('not_found', `There is no customer ${customerId}.`);
    return toCustomer(rows[0]);
  }
}

function toCustomer(row: CustomerRow): Customer {
  return {
    customerId: row.customer_id,
    tenantId: row.tenant_id,
    name: row.name,
    email: row.email,
    phone: row.phone,
    address: row.address,
    ...(row.age_band !== null && { ageBand: row.age_band }),
    ...(row.income_band !== null && { incomeBand: row.income_band }),
    ...(row.household_size !== null && { householdSize: row.household_size }),
  };
}
