/** Salesforce's error bodies. "Status Codes and Error Responses", REST API Developer Guide. */

interface ErrorBody {
  message: string;
  errorCode: string;
  fields?: string[];
  duplicateResult?: object;
}

/** The whole call is refused; the answer is a list with one error. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;
  readonly fields: string[] | undefined;
  constructor(
    status: number,
    code: string,
    message: string,
    more: { headers?: Record<string, string>; fields?: string[] } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.headers = more.headers ?? {};
    this.fields = more.fields;
  }
  get body(): ErrorBody[] {
    return [{ message: this.message, errorCode: this.code, ...(this.fields ? { fields: this.fields } : {}) }];
  }
}

/** Refused before Salesforce's API sees the call: a page, not JSON. */
export class PageError extends Error {
  readonly status: number;
  constructor(status: number, words: string) {
    super(words);
    this.name = 'PageError';
    this.status = status;
  }
}

/** One record is refused: in a collection a row of the result, on its own an answer with `status`. */
export class RowError extends Error {
  readonly code: string;
  readonly fields: string[];
  readonly status: number;
  readonly duplicateResult: object | undefined;
  constructor(code: string, message: string, fields: string[] = [], status = 400, duplicateResult?: object) {
    super(message);
    this.name = 'RowError';
    this.code = code;
    this.fields = fields;
    this.status = status;
    this.duplicateResult = duplicateResult;
  }
  get body(): ErrorBody[] {
    return [
      {
        message: this.message,
        errorCode: this.code,
        fields: this.fields,
        ...(this.duplicateResult ? { duplicateResult: this.duplicateResult } : {}),
      },
    ];
  }
}

export const notFound = (message = 'The requested resource does not exist'): ApiError =>
  new ApiError(404, 'NOT_FOUND', message);

export const unparsable = (message: string): ApiError => new ApiError(400, 'JSON_PARSER_ERROR', message);

/** What this local org cannot do, said as such: it must not look like an answer of Salesforce's. */
export class SandboxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SandboxError';
  }
}
