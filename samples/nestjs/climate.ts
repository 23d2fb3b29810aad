/** The climate of a city: annual means as the national weather services publish them. */
import { Injectable, NotFoundException } from '@nestjs/common';
import { getTokenClaims, validateScope } from 'microsoft-identity-decorators/nestjs';

export interface Climate {
  readonly city: string;
  /** Annual mean of the air temperature, in °C. */
  readonly meanTemperature: number;
}

/** A recorded year, to compare with the normal. */
export interface RecordedYear extends Climate {
  readonly year: number;
  readonly recordedBy: unknown;
}

@Injectable()
export class ClimateService {
  readonly #years: RecordedYear[] = [];
  // Normals of 1981 to 2010, by KNMI and MeteoSwiss.
  readonly #normals: readonly Climate[] = [
    { city: 'De Bilt', meanTemperature: 10.1 },
    { city: 'Zürich', meanTemperature: 9.3 },
  ];

  get years(): readonly RecordedYear[] {
    return this.#years;
  }

  /** @throws NotFoundException if there are no figures for the city */
  normalOf(city: string): Climate {
    const normal = this.#normals.find((one) => one.city.toLowerCase() === city.toLowerCase());
    if (normal === undefined) throw new NotFoundException('There are no climate normals for this city.');
    return normal;
  }

  /**
   * Records a year. The service reads the caller's claims itself: no argument contains them.
   *
   * @throws InsufficientScopeError if the caller may only read
   */
  async record(city: string, year: number, meanTemperature: number): Promise<RecordedYear> {
    const normal = this.normalOf(city);
    // In place of a database: the claims are still available after an await.
    await Promise.resolve();
    validateScope('weather.write');
    const recorded = { city: normal.city, year, meanTemperature, recordedBy: getTokenClaims().oid };
    this.#years.push(recorded);
    return recorded;
  }
}
