export { AppError, type AppErrorOptions, type FieldProblem } from './app-error';
export { errorCodes, errorTitle, type ErrorCode } from './catalogue';
