/** Every problem we answer with. The code is what programs read; it and the status are part of the interface and stay. */
const PROBLEMS = {
  invalid_json: { status: 400, title: 'The body is not JSON.' },
  invalid_request: { status: 400, title: 'Something in the request is not as it should be.' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this list gave out.' },
  invalid_path: { status: 400, title: 'The address cannot be read.' },
  empty_body: { status: 400, title: 'The body is empty.' },
  malformed_delivery: { status: 400, title: 'The delivery cannot be read.' },
  aborted: { status: 400, title: 'The request ended before its body did.' },
  unauthenticated: { status: 401, title: 'A valid API key is needed.' },
  unsigned: { status: 401, title: 'The signature does not hold.' },
  forbidden: { status: 403, title: 'This may not be read from here.' },
  not_allowed: { status: 403, title: 'Your roles do not allow this.' },
  cross_site: { status: 403, title: 'The request does not come from the console.' },
  not_found: { status: 404, title: 'There is nothing here.' },
  method_not_allowed: { status: 405, title: 'This address does not know the method.' },
  not_acceptable: { status: 406, title: 'The answer is JSON, which the request does not accept.' },
  second_person: { status: 409, title: 'Another person has to publish this.' },
  draft_changed: { status: 409, title: 'The draft has changed since it was read.' },
  settings_changed: { status: 409, title: 'The settings have changed since they were read.' },
  mapping_changed: { status: 409, title: 'The mapping has changed since it was read.' },
  other_draft: { status: 409, title: 'The dry run was of another draft.' },
  other_entry: { status: 409, title: 'The id stands for another entry.' },
  referred_by_another: { status: 409, title: 'Another member referred this friend before.' },
  person_erased: { status: 409, title: 'The person was erased on request.' },
  no_program: { status: 409, title: 'The account has no program yet.' },
  awaits_nobody: { status: 409, title: 'The reward does not wait for anybody.' },
  not_possible: { status: 409, title: 'That cannot be.' },
  batch_state: { status: 409, title: 'The batch is not at that point.' },
  period_state: { status: 409, title: 'The month is not at that point.' },
  batch_waits: { status: 409, title: 'Orders wait in a batch.' },
  same_person: { status: 409, title: 'Somebody else has to do it.' },
  nothing_owed: { status: 409, title: 'Nothing is owed back.' },
  backfill_open: { status: 409, title: 'Another backfill of this connection is not over.' },
  other_refund: { status: 409, title: 'The id stands for another refund.' },
  connection_lost: { status: 409, title: 'The CRM is not connected.' },
  body_too_large: { status: 413, title: 'The body is too large.' },
  unsupported_media_type: { status: 415, title: 'The content type is not one that is read here.' },
  user_changed: { status: 409, title: 'The user has changed since they were read.' },
  last_owner: { status: 409, title: 'An account needs an owner.' },
  no_such_friend: { status: 422, title: 'No contact that could be a friend.' },
  no_such_member: { status: 422, title: 'No such member.' },
  no_such_referral: { status: 422, title: 'No such referral.' },
  no_such_reward: { status: 422, title: 'No such reward.' },
  no_such_dry_run: { status: 422, title: 'No such dry run.' },
  no_such_case: { status: 422, title: 'No such case.' },
  no_such_order: { status: 422, title: 'No such order.' },
  not_batched: { status: 422, title: 'No such provider pays in batches.' },
  no_such_provider: { status: 422, title: 'No such provider.' },
  no_such_connection: { status: 422, title: 'No such connection.' },
  nothing_to_release: { status: 422, title: 'There is nothing that could be released.' },
  self_referral: { status: 422, title: 'The member and the friend are the same person.' },
  too_many_requests: { status: 429, title: 'Too many requests.' },
  internal: { status: 500, title: 'Something went wrong on our side.' },
  misconfigured: { status: 500, title: 'Wonward is not configured correctly.' },
  sign_in_refused: { status: 401, title: 'You could not be signed in.' },
  provider_refused: { status: 409, title: 'The reward provider does not take the credentials.' },
  crm_refused: { status: 502, title: 'The CRM did not do what was asked.' },
  busy: { status: 503, title: 'Too much at once.' },
  storage: { status: 503, title: 'The database cannot do it just now.' },
  try_again: { status: 503, title: 'Not possible just now.' },
  stopping: { status: 503, title: 'The service is stopping.' },
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export const PROBLEM_CODES = Object.keys(PROBLEMS) as ProblemCode[];

export function statusOf(code: ProblemCode): number {
  return PROBLEMS[code].status;
}

export function titleOf(code: ProblemCode): string {
  return PROBLEMS[code].title;
}
