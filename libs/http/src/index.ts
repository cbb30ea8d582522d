export { createHttpApp, type HttpApp, type HttpAppOptions } from './http-app';
export { httpStatus } from './http-status';
export { problemOf, type ProblemBody } from './problem';
export { listRoutes, type RouteEntry } from './routes';
export { runApp, type AppSpec, type RunAppOptions } from './run-app';
