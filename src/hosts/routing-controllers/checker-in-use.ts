/** Which authorization checker the app uses that routing-controllers is setting up. */
import { ExpressDriver, KoaDriver, type BaseDriver } from 'routing-controllers';
import type { Requirement } from '../../core/access/requirement.js';
import { processWide } from '../../core/process-wide.js';
import { noteChecker } from '../../gate/audit.js';

/** What each checker of this library demands of every request. */
const requirements = processWide('authorization-checkers', () => new WeakMap<object, Requirement>());

/** Notes a checker of this library, and what it demands of every request. */
export function registerChecker<Checker extends object>(checker: Checker, requirement: Requirement): Checker {
  requirements.set(checker, requirement);
  return checker;
}

const inUse = processWide<{ checker: object | undefined }>('checker-in-use', () => ({ checker: undefined }));
const watched = processWide('watched-drivers', () => new WeakSet<BaseDriver>());

/**
 * Notes the checker of each app that is set up from now on.
 *
 * Only the driver knows it, and storage is not told which driver asks. But a driver is initialized right before storage is
 * asked for the routes of its app, in the same synchronous call.
 */
export function watchDrivers(): void {
  for (const driver of [ExpressDriver.prototype, KoaDriver.prototype] as BaseDriver[]) {
    if (watched.has(driver)) continue;
    watched.add(driver);
    const initialize = Reflect.get(driver, 'initialize');
    driver.initialize = function (this: BaseDriver) {
      inUse.checker = this.authorizationChecker;
      noteChecker(requirementOfCheckerInUse() !== undefined);
      initialize.call(this);
    };
  }
}

/** What the checker of the app demands of every request; undefined where it is not a checker of this library. */
export function requirementOfCheckerInUse(): Requirement | undefined {
  return inUse.checker && requirements.get(inUse.checker);
}
