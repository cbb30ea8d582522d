import type { Type } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { accessOf, type Access } from '@tidegate/auth';

/** One kind of frame that is served, with the access it declares; `access` is undefined where none is declared. */
export interface OpcodeEntry {
  opcode: string;
  /** `TelemetryController.telemetry` */
  handler: string;
  access: Access | undefined;
}

const patternKey = 'microservices:pattern';

/** Every `@MessagePattern` of the application. */
export function listOpcodes(modules: ModulesContainer): OpcodeEntry[] {
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()]);
  const types = controllers.flatMap(({ metatype }) => (typeof metatype === 'function' ? [metatype as Type] : []));
  return types.flatMap((type) => {
    const prototype = type.prototype as Record<string, object>;
    return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
      const handler = prototype[name];
      const patterns = handler && (Reflect.getMetadata(patternKey, handler) as string[] | undefined);
      if (handler === undefined || patterns === undefined) return [];
      return patterns.map((opcode) => ({ opcode, handler: `${type.name}.${name}`, access: accessOf(handler, type) }));
    });
  });
}
