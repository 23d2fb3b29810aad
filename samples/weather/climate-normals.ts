/**
 * Climate normals: 30-year averages as the national weather services publish them.
 *
 * Figures are those of their source; only those of the United States are converted here. Periods differ, and in a
 * warming climate the figures of a place differ with them: compare cities only if `period` is the same.
 */
import { celsiusOf, millimetresOf } from './units.js';

export interface ClimateNormal {
  readonly city: string;
  readonly country: string;
  readonly station: string;
  /** Annual mean of the air temperature, in °C. */
  readonly meanTemperature: number;
  /** Mean precipitation of a year, in mm. */
  readonly precipitation: number;
  /** First and last year of the average. */
  readonly period: string;
  readonly source: string;
}

const jma = 'Japan Meteorological Agency, climatological normals';
const ncei = 'NOAA National Centers for Environmental Information, U.S. climate normals';

export const climateNormals: readonly ClimateNormal[] = [
  {
    city: 'Chicago',
    country: 'United States',
    station: "O'Hare International Airport",
    meanTemperature: celsiusOf(49.9),
    precipitation: millimetresOf(36.89),
    period: '1981-2010',
    source: ncei,
  },
  {
    city: 'De Bilt',
    country: 'Netherlands',
    station: 'De Bilt',
    meanTemperature: 10.1,
    precipitation: 887,
    period: '1981-2010',
    source: 'Royal Netherlands Meteorological Institute (KNMI), long-term averages',
  },
  {
    city: 'Hong Kong',
    country: 'China',
    station: 'Hong Kong Observatory',
    meanTemperature: 23.5,
    precipitation: 2431.2,
    period: '1991-2020',
    source: 'Hong Kong Observatory, climatological normals',
  },
  {
    city: 'Madrid',
    country: 'Spain',
    station: 'Retiro',
    meanTemperature: 15,
    precipitation: 421,
    period: '1981-2010',
    source: 'Agencia Estatal de Meteorología (AEMET), valores climatológicos normales',
  },
  {
    city: 'Naha',
    country: 'Japan',
    station: 'Naha',
    meanTemperature: 23.3,
    precipitation: 2161,
    period: '1991-2020',
    source: jma,
  },
  {
    city: 'New York',
    country: 'United States',
    station: 'Central Park',
    meanTemperature: celsiusOf(55.8),
    precipitation: millimetresOf(49.52),
    period: '1991-2020',
    source: ncei,
  },
  {
    city: 'Osaka',
    country: 'Japan',
    station: 'Osaka',
    meanTemperature: 17.1,
    precipitation: 1338.3,
    period: '1991-2020',
    source: jma,
  },
  {
    city: 'Oslo',
    country: 'Norway',
    station: 'Blindern',
    meanTemperature: 5.7,
    precipitation: 763,
    period: '1961-1990',
    source: 'Norwegian Meteorological Institute, climate normals',
  },
  {
    city: 'Sapporo',
    country: 'Japan',
    station: 'Sapporo',
    meanTemperature: 9.2,
    precipitation: 1146.1,
    period: '1991-2020',
    source: jma,
  },
  {
    city: 'Singapore',
    country: 'Singapore',
    station: 'Changi',
    meanTemperature: 27.5,
    precipitation: 2166,
    period: '1981-2010',
    source: 'Meteorological Service Singapore, annual climate assessments',
  },
  {
    city: 'Stockholm',
    country: 'Sweden',
    station: 'Observatorielunden',
    meanTemperature: 7.9,
    precipitation: 547,
    period: '1991-2020',
    source: 'Swedish Meteorological and Hydrological Institute (SMHI), by way of Miljöbarometern, City of Stockholm',
  },
  {
    city: 'Tokyo',
    country: 'Japan',
    station: 'Tokyo',
    meanTemperature: 15.8,
    precipitation: 1598.2,
    period: '1991-2020',
    source: jma,
  },
  {
    city: 'Tucson',
    country: 'United States',
    station: 'Tucson International Airport',
    meanTemperature: celsiusOf(70.6),
    precipitation: millimetresOf(10.61),
    period: '1991-2020',
    source: ncei,
  },
  {
    city: 'Zürich',
    country: 'Switzerland',
    station: 'Fluntern',
    meanTemperature: 9.3,
    precipitation: 1134,
    period: '1981-2010',
    source: 'Federal Office of Meteorology and Climatology MeteoSwiss, norm values',
  },
];
