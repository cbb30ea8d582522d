import { pick, seeded } from '../seeded';

// prettier-ignore
const firstNames = [
  'Ada', 'Amir', 'Bea', 'Carlos', 'Chidi', 'Dana', 'Elif', 'Emil', 'Fatima', 'Grace', 'Hana', 'Igor', 'Jonas', 'June',
  'Kofi', 'Lena', 'Luis', 'Mara', 'Mei', 'Nadia', 'Noah', 'Olga', 'Omar', 'Priya', 'Quinn', 'Rosa', 'Sami', 'Tomas',
  'Uma', 'Vera', 'Walt', 'Yusuf',
] as const;
// prettier-ignore
const lastNames = [
  'Adeyemi', 'Alvarez', 'Becker', 'Brandt', 'Castro', 'Chen', 'Dubois', 'Eriksen', 'Fischer', 'Garcia', 'Haddad',
  'Ivanova', 'Jansen', 'Kaya', 'Kim', 'Larsen', 'Lopez', 'Marino', 'Mensah', 'Moreau', 'Nakamura', 'Novak', 'Okafor',
  'Patel', 'Rossi', 'Schmidt', 'Silva', 'Tanaka', 'Tran', 'Virtanen', 'Walsh', 'Zhou',
] as const;
const streets = ['Harbour Road', 'Mill Lane', 'Station Street', 'Orchard Way', 'Quay Street', 'Hill Road'] as const;
const towns = ['Northport', 'Southhaven', 'Eastmere', 'Westbridge', 'Tidewater'] as const;

export interface Person {
  name: string;
  email: string;
  phone: string;
  address: string;
  accountNumber: string;
}

/** Somebody made up for a household, always the same. Mail and telephone use ranges kept free for examples. */
export function personOf(household: string): Person {
  const random = seeded(`household ${household}`);
  const digits = (count: number) => Array.from({ length: count }, () => Math.floor(random() * 10)).join('');
  const first = pick(random, firstNames);
  const last = pick(random, lastNames);
  return {
    name: `${first} ${last}`,
    email: `${first}.${last}.${household}@example.com`.toLowerCase(),
    phone: `+1 ${2 + Math.floor(random() * 8)}${digits(2)} 555 01${digits(2)}`,
    address: `${1 + Math.floor(random() * 199)} ${pick(random, streets)}, ${pick(random, towns)}`,
    accountNumber: `40${digits(8)}`,
  };
}
