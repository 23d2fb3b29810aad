/** The data of the API: figures of national weather services, and observations of callers. */
export interface Climate {
  readonly city: string;
  /** Annual mean of the air temperature from 1991 to 2020, in °C. */
  readonly meanTemperature: number;
  readonly source: string;
}

const jma = 'Japan Meteorological Agency';

const climates: readonly Climate[] = [
  { city: 'Hong Kong', meanTemperature: 23.5, source: 'Hong Kong Observatory' },
  { city: 'Naha', meanTemperature: 23.3, source: jma },
  { city: 'Sapporo', meanTemperature: 9.2, source: jma },
  { city: 'Tokyo', meanTemperature: 15.8, source: jma },
];

export function climateOf(city: string): Climate | undefined {
  return climates.find((climate) => climate.city.toLowerCase() === city.toLowerCase());
}

export interface Observation {
  readonly city: string;
  readonly temperature: number;
  /** `tid` and `oid` together identify a person or application; a name or mail address can be reassigned. */
  readonly observedBy: { readonly tid: string | undefined; readonly oid: string | undefined };
}

export const observations: Observation[] = [];
