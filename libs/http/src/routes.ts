import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { accessOf, type Access } from '@tidegate/auth';
import { recordedRoutes } from './allowed-methods';
import type { HttpApp } from './http-app';

/** One way into the app, with the access it declares; `access` is undefined where none is declared. */
export interface RouteEntry {
  method: string;
  path: string;
  /** `OrdersController.list`; undefined for a route that no controller of Nest serves. */
  handler: string | undefined;
  access: Access | undefined;
}

/**
 * Every route that the server has, also those that no controller made: they declare their access as `config: { access }`
 * of the Fastify route.
 */
export function listRoutes(app: HttpApp): RouteEntry[] {
  const handlers = handlersOf(app);
  return recordedRoutes(app.getHttpAdapter().getInstance()).map(({ method, path, config }) => {
    const found = handlers.get(`${method} ${path}`) ?? (method === 'HEAD' ? handlers.get(`GET ${path}`) : undefined);
    const access = found === undefined ? (config as { access?: Access }).access : found.access;
    return { method, path, handler: found?.name, access };
  });
}

interface Handler {
  name: string;
  access: Access | undefined;
}

function handlersOf(app: HttpApp): Map<string, Handler> {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  const types = controllers.flatMap(({ metatype }) => (typeof metatype === 'function' ? [metatype as Type] : []));
  return new Map(types.flatMap((type) => handlersOfController(type)));
}

function handlersOfController(type: Type): [string, Handler][] {
  const prototype = type.prototype as Record<string, object>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const handler = prototype[name];
    if (handler === undefined) return [];
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined) return [];
    const entry = { name: `${type.name}.${name}`, access: accessOf(handler, type) };
    return pathsOf(type, handler).map((path): [string, Handler] => [`${RequestMethod[method]} ${path}`, entry]);
  });
}

function pathsOf(type: Type, handler: object): string[] {
  const pathsAt = (target: object) => [Reflect.getMetadata(PATH_METADATA, target) as string | string[]].flat();
  return pathsAt(type).flatMap((prefix) => pathsAt(handler).map((path) => joined(prefix, path)));
}

function joined(...parts: string[]): string {
  return `/${parts
    .flatMap((part) => part.split('/'))
    .filter((part) => part !== '')
    .join('/')}`;
}
