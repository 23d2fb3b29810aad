import type { NextFunction, Request, Response } from 'express';
import { AccessTokenClaims, RequiresAuth, TokenClaims, ValidateScope } from 'microsoft-identity-decorators/express';
import { climateOf, observations } from './climate.js';

type CityRequest = Request<{ city: string }>;

/** A requirement on a class applies to every method in it. Express calls the methods directly, bound or not. */
@RequiresAuth()
@ValidateScope('access_as_user')
export class WeatherController {
  report(request: CityRequest, response: Response): void {
    const climate = climateOf(request.params.city);
    if (climate === undefined) response.status(404).json({ message: 'There are no figures for this city.' });
    else response.json(climate);
  }

  /** Express fills the first three parameters. A parameter after them can receive the caller's claims. */
  observe(
    request: CityRequest,
    response: Response,
    _next: NextFunction,
    @TokenClaims() claims?: AccessTokenClaims,
  ): void {
    const { temperature } = (request.body ?? {}) as { temperature?: unknown };
    const climate = climateOf(request.params.city);
    if (climate === undefined || typeof temperature !== 'number') {
      response.status(400).json({ message: 'An observation is a temperature, in °C, of a city that is known.' });
      return;
    }
    const observation = { city: climate.city, temperature, observedBy: { tid: claims?.tid, oid: claims?.oid } };
    observations.push(observation);
    response.status(201).json(observation);
  }
}
