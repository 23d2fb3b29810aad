/** Units of measurement, and how they convert. */
export const unitSystems = ['metric', 'imperial'] as const;

export type UnitSystem = (typeof unitSystems)[number];

/** Takes any value, because a query parameter that is sent twice arrives as a list. */
export function isUnitSystem(value: unknown): value is UnitSystem {
  return unitSystems.includes(value as UnitSystem);
}

const millimetresPerInch = 25.4;

export const celsiusOf = (fahrenheit: number) => (fahrenheit - 32) / 1.8;
export const fahrenheitOf = (celsius: number) => celsius * 1.8 + 32;
export const millimetresOf = (inches: number) => inches * millimetresPerInch;
export const inchesOf = (millimetres: number) => millimetres / millimetresPerInch;

export const roundTo = (decimals: number, value: number) => Number(value.toFixed(decimals));
