import type { Dialect } from '../dialect.ts';

/**
 * Cases as tasks in a CRM, one for each case and connection. `asked_at` is written before the CRM is asked for the task: whoever finds it
 * without an answer looks for the task before making another. And which settings tell somebody of something.
 */
export const name = 'case-tasks';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table } = ddl;
  return [
    `ALTER TABLE app_settings ADD COLUMN tells ${int} NOT NULL DEFAULT 0`,
    'CREATE INDEX app_settings_tells ON app_settings (account_id, connection_id, version) WHERE tells = 1',
    `CREATE TABLE case_tasks (
      account_id ${text} NOT NULL,
      connection_id ${text} NOT NULL,
      case_id ${text} NOT NULL,
      state ${text} NOT NULL CHECK (state IN ('wanted', 'created', 'completed', 'gone', 'none')),
      task_id ${text},
      assignee ${text},
      asked_at ${int},
      due_at ${int},
      attempts ${int} NOT NULL,
      parked ${int} NOT NULL CHECK (parked IN (0, 1)),
      error ${text},
      version ${int} NOT NULL,
      PRIMARY KEY (account_id, connection_id, case_id),
      FOREIGN KEY (account_id, connection_id) REFERENCES connections (account_id, id),
      FOREIGN KEY (account_id, case_id) REFERENCES desk_cases (account_id, id)
    ) ${table}`,
    "CREATE INDEX case_tasks_wanted ON case_tasks (due_at) WHERE state = 'wanted' AND parked = 0",
    "CREATE INDEX case_tasks_created ON case_tasks (due_at) WHERE state = 'created' AND parked = 0",
    'CREATE INDEX case_tasks_parked ON case_tasks (account_id, connection_id) WHERE parked = 1',
    'CREATE INDEX case_tasks_by_case ON case_tasks (account_id, case_id)',
  ];
}
