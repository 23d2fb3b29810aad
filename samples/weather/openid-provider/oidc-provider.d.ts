/** The types of what the sample uses of oidc-provider, which ships none. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface RequestContext {
    body: unknown;
    status: number;
    type: string;
    readonly oidc: {
      /** What the token request was for. `acr` is that of the sign-in. */
      readonly entities: Readonly<Partial<Record<'AuthorizationCode' | 'RefreshToken', { readonly acr?: string }>>>;
      readonly params?: Readonly<Record<string, string | undefined>>;
      readonly result?: Readonly<Record<string, unknown>>;
    };
  }

  export interface AccessToken {
    readonly accountId: string;
    readonly clientId: string;
    readonly scope?: string;
  }

  export interface Interaction {
    readonly uid: string;
    readonly params: Readonly<Record<string, string | undefined>>;
  }

  export interface Grant {
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    rejectResourceScope(resource: string, scope: string): void;
    save(): Promise<string>;
  }

  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>);
    readonly Grant: new (properties: { readonly accountId: string; readonly clientId: string }) => Grant;
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Readonly<Record<string, unknown>>,
      options: { readonly mergeWithLastSubmission: boolean },
    ): Promise<void>;
    registerGrantType(
      name: string,
      answer: (context: RequestContext) => Promise<void>,
      parameters: readonly string[],
    ): void;
    on(event: string, listener: (context: RequestContext, error: Error) => void): this;
  }

  export namespace errors {
    class InvalidTarget extends Error {
      constructor(description: string);
    }
  }

  export namespace interactionPolicy {
    class Check {
      static readonly REQUEST_PROMPT: boolean;
      static readonly NO_NEED_TO_PROMPT: boolean;
      constructor(reason: string, description: string, check: (context: RequestContext) => boolean);
    }
    class Prompt {
      constructor(options: { readonly name: string; readonly requestable: boolean }, ...checks: Check[]);
    }
    function base(): Prompt[] & { add(prompt: Prompt, index?: number): void };
  }
}
