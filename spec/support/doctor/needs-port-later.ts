/** A module that makes an app, and reads the port of its server there. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const createApp = (): number => (createServer().listen(0).address() as AddressInfo).port;
