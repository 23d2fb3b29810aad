/** The warnings in force. They are made up. */
export interface Warning {
  readonly level: 'yellow' | 'orange' | 'red';
  readonly event: string;
  readonly advice: string;
}

const warningsByCity: Readonly<Record<string, readonly Warning[]>> = {
  Oslo: [{ level: 'yellow', event: 'Snow showers', advice: 'Allow more time for your way to work.' }],
  Tokyo: [
    { level: 'orange', event: 'Heavy rain', advice: 'Stay away from rivers.' },
    { level: 'yellow', event: 'Strong wind', advice: 'Tie down what the wind can move.' },
  ],
};

export function warningsOf(city: string): readonly Warning[] {
  return Object.hasOwn(warningsByCity, city) ? (warningsByCity[city] ?? []) : [];
}
