/** HubSpot's error bodies. Shapes: developers.hubspot.com/docs/api-reference/latest/error-handling and the object guides. */

export interface ErrorDetail {
  message: string;
  code?: string;
  in?: string;
  subCategory?: string;
  context?: Record<string, string[]>;
}

export interface ErrorBody {
  message: string;
  category?: string;
  subCategory?: string;
  errorType?: string;
  policyName?: string;
  groupName?: string;
  context?: Record<string, string[]>;
  errors?: ErrorDetail[];
  links?: Record<string, string>;
}

/** One refused row of a batch (`StandardError` of the published specs, which require `errors` and `links`). */
export interface RowError {
  status: 'error';
  category: string;
  subCategory?: string;
  message: string;
  context: Record<string, string[]>;
  errors: ErrorDetail[];
  links: Record<string, string>;
}

/** Thrown anywhere below a route; the route answers with it and adds `status` and `correlationId`. */
export class HubSpotError extends Error {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Record<string, string>;
  constructor(status: number, body: ErrorBody, headers: Record<string, string> = {}) {
    super(body.message);
    this.name = 'HubSpotError';
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export function validationError(message: string, more: Partial<ErrorBody> = {}): HubSpotError {
  return new HubSpotError(400, { message, category: 'VALIDATION_ERROR', ...more });
}

/** 400 for a malformed body, in HubSpot's words: "Invalid input JSON …" for syntax and shape. */
export function invalidBody(problems: ErrorDetail[]): HubSpotError {
  const first = problems[0]?.message ?? 'request body is missing';
  return validationError(`Invalid input JSON: ${first}`, { errors: problems });
}

export function notFound(context?: Record<string, string[]>, message = 'resource not found'): HubSpotError {
  return new HubSpotError(404, { message, category: 'OBJECT_NOT_FOUND', ...(context ? { context } : {}) });
}

export function conflict(message: string, more: Partial<ErrorBody> = {}): HubSpotError {
  return new HubSpotError(409, { message, category: 'CONFLICT', ...more });
}

export function missingScopes(requiredGranularScopes: string[]): HubSpotError {
  return new HubSpotError(403, {
    message:
      "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
    errors: [{ message: 'One or more of the following scopes are required.', context: { requiredGranularScopes } }],
    links: { scopes: 'https://developers.hubspot.com/scopes' },
    category: 'MISSING_SCOPES',
  });
}

export function credentialsNotFound(): HubSpotError {
  return new HubSpotError(401, {
    message:
      'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
    category: 'INVALID_AUTHENTICATION',
  });
}

export function tokenExpired(expiredAtMs: number, nowMs: number): HubSpotError {
  const minutes = Math.max(0, Math.floor((nowMs - expiredAtMs) / 60_000));
  return new HubSpotError(401, {
    message: `The OAuth token used to make this call expired ${minutes} minute(s) ago.`,
    category: 'EXPIRED_AUTHENTICATION',
    context: { 'expire time': [new Date(expiredAtMs).toISOString()] },
  });
}

/** One property that HubSpot would not take. */
export interface PropertyProblem {
  name: string;
  message: string;
  error: string;
}

function propertyMessage(portalId: number, problems: PropertyProblem[]): string {
  const listed = problems.map(({ name, message, error }) => ({
    isValid: false,
    message,
    error,
    name,
    localizedErrorMessage: message,
    portalId,
  }));
  return `Property values were not valid: ${JSON.stringify(listed)}`;
}

export function propertiesNotValid(portalId: number, problems: PropertyProblem[]): HubSpotError {
  return validationError(propertyMessage(portalId, problems), {
    errors: problems.map(({ name, message, error }) => ({ message, code: error, context: { propertyName: [name] } })),
  });
}

/** The row of a 207 answer that stands for an error which would have refused a single call. */
export function rowError(error: HubSpotError, context: Record<string, string[]>): RowError {
  return {
    status: 'error',
    category: error.body.category ?? 'VALIDATION_ERROR',
    ...(error.body.subCategory ? { subCategory: error.body.subCategory } : {}),
    message: error.body.message,
    context: { ...error.body.context, ...context },
    errors: error.body.errors ?? [],
    links: {},
  };
}
