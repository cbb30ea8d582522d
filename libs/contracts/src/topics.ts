/** The Kafka topics of the demo shop and its bank, and those of the house. */
export const topics = {
  orders: 'shop.orders',
  customers: 'shop.customers',
  accounts: 'bank.accounts',
  transactions: 'bank.transactions',
  transactionRequests: 'bank.transaction-requests',
  telemetry: 'iot.telemetry',
  audit: 'audit.events',
  deadLetters: 'tidegate.dead-letters',
} as const;
