import { z } from 'zod';
import { entries, name, strict, type CatalogFile } from './catalog-file';

const channelNumber = z
  .string()
  .regex(/^(0|[1-9]\d{0,9})$/, 'channels are numbers from 0 to 4294967295')
  .refine((text) => Number(text) <= 4_294_967_295, 'channels are numbers from 0 to 4294967295');

const channelSchema = strict({
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, 'use letters, digits, "_" and "-", at most 63'),
  unit: z.string().min(1).max(32).exactOptional(),
  scale: z
    .number()
    .refine((scale) => Number.isFinite(scale) && scale !== 0, 'give a number that is not 0')
    .default(1),
});
const schemaSchema = strict({ channels: entries });
const fileSchema = strict({ schemas: entries });

/** The whole file, for editors. */
export const devicesFileSchema = strict({
  schemas: z.record(name, strict({ channels: z.record(channelNumber, channelSchema) })),
});

/** What a channel number of a device means. */
export interface DeviceChannel {
  readonly name: string;
  readonly unit?: string;
  /** value = what the device sends × scale */
  readonly scale: number;
}

/** What the devices of a kind send; they name it in their Hello. */
export interface DeviceSchema {
  readonly id: string;
  readonly channels: ReadonlyMap<number, DeviceChannel>;
}

export function readDeviceSchemas(file: CatalogFile): ReadonlyMap<string, DeviceSchema> {
  const schemas = new Map<string, DeviceSchema>();
  const declared = file.readAll(fileSchema)?.schemas ?? {};
  for (const [id, value] of Object.entries(declared)) {
    const path = ['schemas', id];
    const named = file.read(name, id, path) !== undefined;
    const schema = file.read(schemaSchema, value, path);
    if (schema === undefined) continue;
    const channels = readChannels(file, [...path, 'channels'], schema.channels);
    if (named) schemas.set(id, { id, channels });
  }
  return schemas;
}

function readChannels(
  file: CatalogFile,
  path: readonly string[],
  declared: Record<string, unknown>,
): Map<number, DeviceChannel> {
  const channels = new Map<number, DeviceChannel>();
  const names = new Set<string>();
  for (const [number, value] of Object.entries(declared)) {
    const numbered = file.read(channelNumber, number, [...path, number]) !== undefined;
    const channel = file.read(channelSchema, value, [...path, number]);
    if (channel === undefined) continue;
    if (names.has(channel.name)) file.report([...path, number, 'name'], `"${channel.name}" is named twice`);
    names.add(channel.name);
    if (numbered) channels.set(Number(number), channel);
  }
  return channels;
}
