export { flag, list, milliseconds, port, url } from './environment';
export { ConfigError, loadConfig, type Environment, type VariableProblem } from './load-config';
