export { requestIdOf, traceOf } from './correlation';
export { createHttpApp, type HttpApp, type HttpAppOptions } from './http-app';
export { httpStatus } from './http-status';
export { problemHeaders, problemOf } from './problem';
export { sendProblem } from './problem.filter';
export { listRoutes, type RouteEntry } from './routes';
export { runApp } from './run-app';
export { type AppSpec, type RunAppOptions } from './running-apps';
