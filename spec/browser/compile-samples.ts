import { execFileSync } from 'node:child_process';

/** Compiles what the spec files start. */
export default function setup(): void {
  for (const project of ['samples/warnings', 'samples/weather']) {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { stdio: 'inherit' });
  }
}
