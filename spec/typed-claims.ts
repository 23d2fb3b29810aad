/** Claims that an application declares. Nothing here runs: `npm run types` fails where a type is not the declared one. */
import * as express from '../src/express.js';
import {
  AccessTokenClaims,
  ClaimCheck,
  getTokenClaims,
  RequiresClaim,
  TokenClaims,
  type ClaimName,
} from '../src/index.js';

declare module '../src/index.js' {
  interface AccessTokenClaims {
    /** Declared once, for every entry point. */
    readonly cost_center?: number;
  }
}

export const ofIndex: number | undefined = getTokenClaims().cost_center;
export const ofExpress: number | undefined = express.getTokenClaims().cost_center;
export const declared: ClaimName = 'cost_center';
export const undeclared: ClaimName = 'anything';

// @ts-expect-error -- a claim that is not declared is unknown
export const unknown: number | undefined = getTokenClaims().cost_centre;
// @ts-expect-error -- a claim has the type that is declared
export const another: string | undefined = getTokenClaims().cost_center;

export class Reports {
  @ClaimCheck(({ cost_center: center }) => center !== undefined && center > 100)
  @RequiresClaim('cost_center', 101, 102)
  list(@TokenClaims() claims: AccessTokenClaims, @TokenClaims('cost_center') center: number): number {
    return (claims.cost_center ?? 0) + center;
  }
}
