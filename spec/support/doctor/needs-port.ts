/** A module that reads the port of its server while it is loaded. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const port = (createServer().listen(0).address() as AddressInfo).port;
