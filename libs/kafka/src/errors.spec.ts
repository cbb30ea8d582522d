import { AppError } from '@tidegate/errors';
import { kafkaCodeOf, kafkaCodes, KafkaErrorCode, OffsetOutOfRange, translateKafkaError } from './errors';

describe('translateKafkaError()', () => {
  it.each([
    [new KafkaErrorCode(kafkaCodes.unknownTopicOrPartition, 'x'), 'not_found'],
    [new KafkaErrorCode(kafkaCodes.topicAuthorizationFailed, 'x'), 'upstream_failed'],
    [new KafkaErrorCode(kafkaCodes.leaderNotAvailable, 'x'), 'unavailable'],
    [new Error('connect ECONNREFUSED 10.0.0.1:9092'), 'unavailable'],
    ['text', 'unavailable'],
  ])('makes of %p the code %p, and keeps its text from clients', (error, code) => {
    const translated = translateKafkaError(error, 'read t');
    expect(translated.code).toBe(code);
    expect(translated.message).not.toContain('10.0.0.1');
    expect(translated.cause).toBe(error);
  });

  it('leaves our own errors alone', () => {
    const own = new OffsetOutOfRange('gap', 5n, 9n);
    expect(translateKafkaError(own, 'read t')).toBe(own);
    expect(AppError.is(own)).toBe(true);
  });
});

describe('kafkaCodeOf()', () => {
  it('finds the code that kafkajs wrapped', () => {
    const protocol = Object.assign(new Error('x'), { name: 'KafkaJSProtocolError', code: 10 });
    expect(kafkaCodeOf(new Error('retries', { cause: protocol }))).toBe(10);
    expect(kafkaCodeOf(new Error('x'))).toBeUndefined();
  });
});
