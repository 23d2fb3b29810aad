/** What the numbers in an error of Entra ID mean. The text that they stand in may name users and tenants: it is not shown. */
import { aadstsRemedy } from '../gate/aadsts.js';

/** One number of Entra's, and what to do about it. */
export interface EntraError {
  /** Such as `AADSTS65001`. */
  readonly code: string;
  /** Whether it is among the numbers that are explained here. */
  readonly known: boolean;
  readonly meaning: string;
  readonly remedy: string;
}

const mostNumbers = 5;

const compactToken = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const inWords = /AADSTS(\d{4,9})(?!\d)/gi;
const inJson = /"error_codes"\s*:\s*\[([\d\s,]+)\]/;

/** The numbers in a message, or in the JSON body of an answer. A token has none, whatever letters it is made of. */
function numbersIn(text: string): readonly number[] {
  if (compactToken.test(text)) return [];
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

/** Explains the numbers in a text. Undefined: it has none. */
export function entraErrorsIn(text: string): readonly EntraError[] | undefined {
  const errors = numbersIn(text).map(errorOf);
  return errors.length === 0 ? undefined : errors;
}
