/** The report on a city's climate. */
import { BadRequestError, NotFoundError } from 'routing-controllers';
import { climateNormals, type ClimateNormal } from './climate-normals.js';
import { fahrenheitOf, inchesOf, isUnitSystem, roundTo, unitSystems, type UnitSystem } from './units.js';

export interface ClimateReport {
  readonly city: string;
  readonly country: string;
  readonly station: string;
  readonly meanTemperature: string;
  readonly annualPrecipitation: string;
  readonly period: string;
  readonly source: string;
}

/** Case and accents do not count: `zurich` finds Zürich. */
const keyOf = (city: string) => city.normalize('NFD').replace(/\p{M}/gu, '').trim().toLowerCase();

const normalsByKey = new Map(climateNormals.map((normal) => [keyOf(normal.city), normal]));

/** @throws NotFoundError if there are no figures for the city */
export function normalOf(city: string): ClimateNormal {
  const normal = normalsByKey.get(keyOf(city));
  if (normal === undefined) throw new NotFoundError('There are no climate normals for this city.');
  return normal;
}

const formats: Readonly<Record<UnitSystem, (normal: ClimateNormal) => readonly [string, string]>> = {
  metric: ({ meanTemperature, precipitation }) => [
    `${String(roundTo(1, meanTemperature))} °C`,
    `${String(roundTo(0, precipitation))} mm`,
  ],
  imperial: ({ meanTemperature, precipitation }) => [
    `${String(roundTo(1, fahrenheitOf(meanTemperature)))} °F`,
    `${String(roundTo(1, inchesOf(precipitation)))} in`,
  ],
};

/**
 * @throws BadRequestError if the units are neither metric nor imperial
 * @throws NotFoundError if there are no figures for the city
 */
export function reportOf(city: string, units: unknown = 'metric'): ClimateReport {
  if (!isUnitSystem(units)) throw new BadRequestError(`units is one of: ${unitSystems.join(', ')}.`);
  const normal = normalOf(city);
  const [meanTemperature, annualPrecipitation] = formats[units](normal);
  const { country, station, period, source } = normal;
  return { city: normal.city, country, station, meanTemperature, annualPrecipitation, period, source };
}
