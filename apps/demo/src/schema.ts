import type { Migration } from '@tidegate/postgres';

const customers = `
  CREATE SCHEMA customers;
  CREATE TABLE customers.customers (
    customer_id text PRIMARY KEY,
    tenant_id text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    address text NOT NULL,
    age_band text,
    income_band text,
    household_size text
  );`;

// The orders service keeps its own copy of what it needs of customers, as a service with a database of its own would.
const orders = `
  CREATE SCHEMA orders;
  CREATE TABLE orders.buyers (customer_id text PRIMARY KEY, tenant_id text NOT NULL, store_id text NOT NULL);
  CREATE TABLE orders.products (
    sku text PRIMARY KEY,
    product text,
    brand text,
    department text,
    unit_price numeric NOT NULL
  );
  CREATE TABLE orders.orders (
    order_id text PRIMARY KEY,
    customer_id text NOT NULL,
    tenant_id text NOT NULL,
    status text NOT NULL,
    placed_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    total numeric NOT NULL,
    currency text NOT NULL,
    store_id text NOT NULL,
    lines json NOT NULL,
    internal_notes text
  );
  CREATE INDEX orders_newest ON orders.orders (customer_id, placed_at DESC, order_id DESC);
  CREATE INDEX orders_open ON orders.orders (updated_at) WHERE status <> 'delivered';
  CREATE SEQUENCE orders.order_ids START 50000000001;`;

const accounts = `
  CREATE SCHEMA accounts;
  CREATE TABLE accounts.accounts (
    account_id text PRIMARY KEY,
    customer_id text NOT NULL UNIQUE,
    tenant_id text NOT NULL,
    segment text NOT NULL,
    currency text NOT NULL,
    balance numeric NOT NULL,
    account_number text NOT NULL,
    customer_name text NOT NULL,
    updated_at timestamptz NOT NULL
  );
  CREATE TABLE accounts.transactions (
    transaction_id text PRIMARY KEY,
    order_id text UNIQUE,
    account_id text NOT NULL REFERENCES accounts.accounts,
    amount numeric NOT NULL,
    balance_after numeric NOT NULL,
    booked_at timestamptz NOT NULL
  );`;

const outbox = `
  CREATE SCHEMA outbox;
  CREATE TABLE outbox.records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key text NOT NULL,
    value text NOT NULL
  );
  CREATE TABLE outbox.relay (holder text, busy_until timestamptz);
  INSERT INTO outbox.relay VALUES (NULL, NULL);`;

const seed = `
  CREATE SCHEMA seed;
  CREATE TABLE seed.data_sets (name text PRIMARY KEY, shift_weeks integer NOT NULL, seeded_at timestamptz NOT NULL DEFAULT now());`;

/** The tables of the three services, of the outbox that they share, and the mark of the seed. */
export const migrations: readonly Migration[] = [
  { id: '0001-customers', sql: customers },
  { id: '0002-orders', sql: orders },
  { id: '0003-accounts', sql: accounts },
  { id: '0004-outbox', sql: outbox },
  { id: '0005-seed', sql: seed },
];
