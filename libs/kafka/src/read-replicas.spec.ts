import { ReadReplicas } from './read-replicas';

const [leader, nearby] = [1, 2];
const place = { topic: 't', partition: 0 };

describe(ReadReplicas.name, () => {
  let replicas: ReadReplicas;

  beforeEach(() => {
    jest.useFakeTimers();
    replicas = new ReadReplicas('rack');
    replicas.prefer('t', 0, nearby);
  });

  afterEach(() => jest.useRealTimers());

  it('reads from the replica that the leader named, for five minutes', () => {
    jest.advanceTimersByTime(299_999);
    expect([replicas.nodeFor('t', 0, leader), replicas.nodeFor('t', 1, leader)]).toEqual([nearby, leader]);
    jest.advanceTimersByTime(1);
    expect([replicas.nodeFor('t', 0, leader), replicas.rackFor([place])]).toEqual([leader, 'rack']);
  });

  it('reads from the leader when the replica fails, and lets it name another after 10 s', () => {
    expect(replicas.fail('t', 0)).toBe(true);
    expect([replicas.nodeFor('t', 0, leader), replicas.rackFor([{ ...place, partition: 1 }, place])]).toEqual([
      leader,
      '',
    ]);
    expect(replicas.rackFor([{ ...place, partition: 1 }])).toBe('rack');
    jest.advanceTimersByTime(10_000);
    expect(replicas.rackFor([place])).toBe('rack');
  });

  it('does not turn from a leader that fails', () => {
    expect(replicas.fail('t', 1)).toBe(false);
    expect(replicas.rackFor([{ ...place, partition: 1 }])).toBe('rack');
  });
});
