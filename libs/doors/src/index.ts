export { DoorsModule, type DoorsModuleAsyncOptions, type DoorsModuleOptions } from './doors.module';
export { doorsOptionsSchema, type DoorsOptions, type StreamPath } from './options';
export { WebSocketDoor } from './websocket-door';
