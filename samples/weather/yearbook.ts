/** Years that callers recorded, in memory, each with the climate normal of its city. */
import { IsInt, IsNumber, IsOptional, Max, Min } from 'class-validator';
import type { ClimateNormal } from './climate-normals.js';
import { roundTo } from './units.js';

/** The body of `POST /api/weather/:city/years`. */
export class YearReport {
  @IsInt()
  @Min(1850)
  @Max(2100)
  year!: number;

  /** In °C. */
  @IsNumber()
  @Min(-60)
  @Max(60)
  meanTemperature!: number;

  /** In mm. */
  @IsOptional()
  @IsNumber()
  @Min(0)
  @Max(30_000)
  precipitation?: number;
}

/** `tid` and `oid` together identify a person or application; a name or mail address can be reassigned. */
export interface Recorder {
  readonly tid: string | undefined;
  readonly oid: string | undefined;
}

export interface YearbookEntry {
  readonly city: string;
  readonly year: number;
  readonly temperatureDeparture: string;
  readonly precipitationDeparture?: string;
  readonly recordedBy: Recorder;
}

const entriesByCityAndYear = new Map<string, YearbookEntry>();

const signed = (value: number, unit: string) => `${value > 0 ? '+' : ''}${String(value)} ${unit}`;

export function recordYear(normal: ClimateNormal, report: YearReport, recordedBy: Recorder): YearbookEntry {
  const { year, meanTemperature, precipitation } = report;
  const entry: YearbookEntry = {
    city: normal.city,
    year,
    temperatureDeparture: signed(roundTo(1, meanTemperature - normal.meanTemperature), '°C'),
    ...(precipitation !== undefined && {
      precipitationDeparture: signed(roundTo(0, precipitation - normal.precipitation), 'mm'),
    }),
    recordedBy,
  };
  entriesByCityAndYear.set(`${entry.city} ${String(year)}`, entry);
  return entry;
}

export function recordedYears(): readonly YearbookEntry[] {
  return [...entriesByCityAndYear.values()];
}
