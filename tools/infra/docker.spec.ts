import { images, runArguments, volumeOf } from './docker';

describe('runArguments()', () => {
  it('publishes on the loopback address and keeps the data in a volume', () => {
    expect(runArguments('redis', 20_100)).toEqual([
      'run',
      '--rm',
      '--name',
      volumeOf('redis'),
      '--publish',
      '127.0.0.1:20100:6379',
      '--volume',
      `${volumeOf('redis')}:/data`,
      images.redis,
      'valkey-server',
      '--save',
      '',
      '--appendonly',
      'yes',
    ]);
  });

  it('lets Kafka advertise the port that it is published on', () => {
    const words = runArguments('kafka', 20_200);
    expect(words).toContain('127.0.0.1:20200:20200');
    expect(words).toContain('KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:20200');
    expect(words).toContain('KAFKA_LISTENERS=PLAINTEXT://0.0.0.0:20200,CONTROLLER://127.0.0.1:9093');
    expect(words.at(-1)).toBe(images.kafka);
  });
});
