#!/usr/bin/env node
import { runInProcess } from './doctor/doctor.js';
import { runIssuer } from './issuer/command.js';

const usage = `Usage: microsoft-identity-decorators <command> [options]

  doctor   shows why an API accepts or refuses a token, what is set up, and which routes are open
  issuer   a tenant on this machine, in place of Microsoft Entra ID, to develop an API with

The options of a command: microsoft-identity-decorators <command> --help
`;

const [, , command] = process.argv;
switch (command) {
  case 'issuer':
    await runIssuer(process);
    break;
  case 'doctor':
  case '--version':
    runInProcess(process);
    break;
  case '--help':
  case '-h':
  case 'help':
    process.stdout.write(usage);
    break;
  default:
    process.stderr.write(command === undefined ? usage : `${usage}\nThere is no command ${JSON.stringify(command)}.\n`);
    process.exitCode = 2;
}
