/** What the numbers in an error of Entra ID or of Azure AD B2C mean. The text that they stand in may name users and tenants: it is not shown. */
import { aadstsRemedy, type AadstsRemedy } from '../gate/aadsts.js';

/** One number of Entra's, and what to do about it. */
export interface EntraError {
  /** Such as `AADSTS65001`, or of B2C `AADB2C90117`. */
  readonly code: string;
  /** Whether it is among the numbers that are explained here. */
  readonly known: boolean;
  readonly meaning: string;
  readonly remedy: string;
}

const mostNumbers = 5;

const compactToken = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const inWords = /AADSTS(\d{4,9})(?!\d)/gi;
const inWordsOfB2c = /AADB2C(\d{5})(?!\d)/gi;
const inJson = /"error_codes"\s*:\s*\[([\d\s,]+)\]/;

/** The numbers in a message, or in the JSON body of an answer. */
function numbersIn(text: string): readonly number[] {
  const named = [...text.matchAll(inWords)].map(([, number]) => number);
  const listed = inJson.exec(text)?.[1]?.split(',') ?? [];
  const numbers = [...named, ...listed].map(Number).filter((number) => Number.isSafeInteger(number) && number > 0);
  return [...new Set(numbers)].slice(0, mostNumbers);
}

function errorOf(number: number): EntraError {
  const code = `AADSTS${String(number)}`;
  const found = aadstsRemedy(number);
  if (found !== undefined) return { code, known: true, ...found };
  return {
    code,
    known: false,
    meaning: 'This number is not explained here.',
    remedy:
      `Look it up at https://login.microsoftonline.com/error?code=${String(number)}, or in ` +
      'https://learn.microsoft.com/entra/identity-platform/reference-error-codes.',
  };
}

/** What clients of an API in a B2C tenant meet. */
const remediesOfB2c: ReadonlyMap<string, AadstsRemedy> = new Map([
  [
    '90117',
    {
      meaning: 'The client asked for a scope that B2C does not know.',
      remedy: 'Ask for the full name, as Expose an API shows it: https://contoso.onmicrosoft.com/<name>/<scope>.',
    },
  ],
  [
    '90205',
    {
      meaning: 'The client has no permission for the API.',
      remedy: 'Add the scope under API permissions in the registration of the client, and grant admin consent.',
    },
  ],
  [
    '90146',
    {
      meaning: 'The client asked for scopes of two APIs at once.',
      remedy: 'A token is for one API: send a request for each of them.',
    },
  ],
  [
    '90088',
    {
      meaning: 'The code or the refresh token comes from another policy than the one that is asked.',
      remedy: 'The client has to redeem it at the policy at which the person signed in last.',
    },
  ],
]);

function errorOfB2c(number: string): EntraError {
  const code = `AADB2C${number}`;
  const found = remediesOfB2c.get(number);
  if (found !== undefined) return { code, known: true, ...found };
  return {
    code,
    known: false,
    meaning: 'This number is not explained here.',
    remedy: 'Look it up at https://learn.microsoft.com/azure/active-directory-b2c/error-codes.',
  };
}

const numbersOfB2cIn = (text: string): readonly string[] =>
  [...new Set([...text.matchAll(inWordsOfB2c)].map(([, number = '']) => number))].slice(0, mostNumbers);

/** Explains the numbers in a text. Undefined: it has none. A token has none, whatever letters it is made of. */
export function entraErrorsIn(text: string): readonly EntraError[] | undefined {
  if (compactToken.test(text)) return undefined;
  const errors = [...numbersIn(text).map(errorOf), ...numbersOfB2cIn(text).map(errorOfB2c)];
  return errors.length === 0 ? undefined : errors;
}
