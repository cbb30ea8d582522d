import { Decimal, exactInteger } from './decimal';
import { FrameError, type FramePlace } from './frame-error';
import type { Reading } from './frames';
import { maxSenmlRecords } from './telemetry-rules';

/** Labels of RFC 8428, table 4. */
const label = { baseVersion: -1, baseName: -2, baseTime: -3, baseUnit: -4, baseValue: -5 } as const;
const entry = { name: 0, unit: 1, value: 2, time: 6 } as const;
/** Base sum, text, boolean, sum, data: legal SenML that is no measured number. */
const notNumbers = [-6, 3, 4, 5, 8];
/** RFC 8428, section 4.5.3: a time below this counts from now. */
const firstAbsoluteS = 2 ** 28;
const supportedVersion = 10;
const legalName = /^[A-Za-z0-9][A-Za-z0-9\-:./_]{0,254}$/;
const maxUnitLength = 32;

interface Base {
  name: string | undefined;
  unit: string | undefined;
  timeS: number;
  value: number | undefined;
}

export interface PackContext extends FramePlace {
  /** The device has no clock: times count from its uptime, whatever base it sends. */
  uptimeOnly: boolean;
}

/** The readings of a SenML pack, as cbor-x decodes it. @throws FrameError that names the record by its index */
export function readPack(pack: unknown, context: PackContext): Reading[] {
  if (!Array.isArray(pack)) throw new FrameError('malformed', 'a pack is an array of records', context);
  if (pack.length > maxSenmlRecords) {
    throw new FrameError('tooLarge', `more than ${maxSenmlRecords} records in a pack`, context);
  }
  const base: Base = { name: undefined, unit: undefined, timeS: 0, value: undefined };
  const readings = pack.flatMap((record: unknown, index) => readRecord(new SenmlRecord(record, index, context), base));
  if (readings.length === 0) throw new FrameError('malformed', 'no samples', context);
  return readings;
}

function readRecord(record: SenmlRecord, base: Base): Reading[] {
  record.check();
  base.name = record.text(label.baseName) ?? base.name;
  base.unit = record.text(label.baseUnit) ?? base.unit;
  base.timeS = record.number(label.baseTime) ?? base.timeS;
  base.value = record.number(label.baseValue) ?? base.value;
  const value = record.number(entry.value);
  // RFC 8428, section 4.2: a record that sets bases need not have a value of its own.
  if (value === undefined && record.hasBase) return [];
  if (value === undefined) throw record.refused('has no value');
  return [reading(record, base, value + (base.value ?? 0))];
}

function reading(record: SenmlRecord, base: Base, value: number): Reading {
  const channel = (base.name ?? '') + (record.text(entry.name) ?? '');
  if (!legalName.test(channel)) throw record.refused('has no name, or one that is not legal');
  const unit = record.text(entry.unit) ?? base.unit;
  if (unit !== undefined && unit.length > maxUnitLength)
    throw record.refused(`unit is over ${maxUnitLength} characters`);
  const seconds = record.number(entry.time) ?? 0;
  const baseS = record.context.uptimeOnly && base.timeS >= firstAbsoluteS ? 0 : base.timeS;
  const relative = baseS + seconds < firstAbsoluteS;
  return {
    channel,
    ...(base.name !== undefined && { absoluteName: true as const }),
    ...(unit !== undefined && { unit }),
    timeMs: Math.round((baseS + seconds) * 1_000),
    relative,
    value,
  };
}

/** One map of a pack, with the place to name when it is refused. */
class SenmlRecord {
  private readonly fields: ReadonlyMap<unknown, unknown>;

  constructor(
    record: unknown,
    private readonly index: number,
    readonly context: PackContext,
  ) {
    if (!(record instanceof Map)) throw this.refused('is no map');
    this.fields = record;
  }

  get hasBase(): boolean {
    return Object.values(label).some((key) => this.fields.has(key));
  }

  check(): void {
    for (const key of this.fields.keys()) {
      if (typeof key !== 'number') throw this.refused('has a key that is no integer; labels are those of SenML-CBOR');
    }
    const version = this.number(label.baseVersion);
    if (version !== undefined && version !== supportedVersion) {
      throw this.refused(`has version ${version}; ${supportedVersion} is taken`, 'unsupported');
    }
    const other = notNumbers.find((key) => this.fields.has(key));
    if (other !== undefined) throw this.refused(`has label ${other}; values are numbers (label 2)`, 'unsupported');
  }

  text(key: number): string | undefined {
    const value = this.fields.get(key);
    if (value !== undefined && typeof value !== 'string') throw this.refused(`label ${key} is no text`);
    return value;
  }

  number(key: number): number | undefined {
    const value = this.fields.get(key);
    if (value === undefined) return undefined;
    // Integers of more than 32 bits come as bigint, so a large number is a float and stands for itself.
    if (typeof value === 'number') return value;
    if (typeof value !== 'bigint' && !(value instanceof Decimal)) {
      throw this.refused(`label ${key} is no number`);
    }
    const number = value instanceof Decimal ? value.value : exactInteger(value);
    if (number === undefined) throw this.refused(`label ${key} is beyond ±2^53`);
    return number;
  }

  refused(what: string, status: 'malformed' | 'unsupported' = 'malformed'): FrameError {
    return new FrameError(status, `record ${this.index} ${what}`, this.context);
  }
}
