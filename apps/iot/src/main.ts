import 'reflect-metadata';
import { readConfig } from './config';
import { runDevices } from './run-devices';

void runDevices(readConfig);
