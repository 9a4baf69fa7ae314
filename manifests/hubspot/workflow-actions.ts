import type { OptionDeclaration, Words, WorkflowActionDeclaration, WorkflowField } from './manifest-type.ts';

/**
 * What workflows can ask of Wonward. Each is called below `/hubspot/actions/`; src/application/workflow-actions.ts carries it out. Inputs and
 * outputs keep their names for ever: workflows of customers refer to them.
 */

const words = (en: string, de: string): Words => ({ en, de });

/** The outcome of whatever was not done. */
export const REFUSED = 'refused';

const CONTACT_PROPERTIES = ['email', 'firstname', 'lastname'] as const;

const text = (name: string, label: Words): WorkflowField => ({ name, type: 'string', fieldType: 'text', label });

/** What a workflow branches by; the values are part of the interface and stay. Why something was refused, `errorCode` says. */
const outcome = (options: readonly OptionDeclaration[]): WorkflowField => ({
  name: 'outcome',
  type: 'enumeration',
  fieldType: 'select',
  label: words('Outcome', 'Ergebnis'),
  options: [...options, { value: REFUSED, label: words('Refused', 'Abgelehnt') }],
});

const MEMBER_ID = text('member_id', words('Member ID', 'Mitglieds-ID'));
const REFERRAL_CODE = text('referral_code', words('Referral code', 'Empfehlungscode'));
const SHARE_LINK = text('share_link', words('Share link', 'Link zum Teilen'));
const REFERRAL_ID = text('referral_id', words('Referral ID', 'Empfehlungs-ID'));
const REWARD_ID = text('reward_id', words('Reward ID', 'Prämien-ID'));

/** On every action: what went wrong, for branches and for people. */
const ERROR_OUTPUTS = [
  text('errorCode', words('Error code', 'Fehlercode')),
  text('reason', words('Reason', 'Begründung')),
];

const PROGRAM: WorkflowField = {
  name: 'program',
  type: 'enumeration',
  fieldType: 'select',
  label: words('Program', 'Programm'),
  description: words('Empty: any program.', 'Leer: jedes Programm.'),
  choices: 'programs',
};
const RULE: WorkflowField = {
  name: 'rule',
  type: 'enumeration',
  fieldType: 'select',
  label: words('Reward rule', 'Prämienregel'),
  description: words('Empty: any rule of the program.', 'Leer: jede Regel des Programms.'),
  choices: 'rules',
};

/** Nobody is entered by a workflow without a way to say what they were told; empty says nothing, and nothing is kept. */
const consentText = (choices: 'member-consents' | 'friend-consents'): WorkflowField => ({
  name: 'consent_text',
  type: 'enumeration',
  fieldType: 'select',
  label: words('Consent text that the contact was shown', 'Einwilligungstext, der gezeigt wurde'),
  description: words(
    'Kept with the contact. Empty: it is not known that any was shown.',
    'Bleibt beim Kontakt. Leer: Dass einer gezeigt wurde, ist nicht bekannt.',
  ),
  choices,
});
const NO_SUCH_CONSENT_TEXT = words(
  'There is no such version of the consent text',
  'Diese Fassung des Einwilligungstexts gibt es nicht',
);

/** Refusals that any action can meet. */
const REFUSALS_OF_ALL = {
  not_connected: words(
    'Wonward is not connected to this account any more',
    'Wonward ist nicht mehr mit diesem Konto verbunden',
  ),
  unknown_action: words('This action is not offered any more', 'Diese Aktion gibt es nicht mehr'),
  callback_reused: words(
    'This step was carried out before with other inputs',
    'Dieser Schritt wurde bereits mit anderen Eingaben ausgeführt',
  ),
  invalid_request: words('An input is missing or cannot be read', 'Eine Eingabe fehlt oder ist nicht lesbar'),
  failed: words('HubSpot refused what Wonward needed', 'HubSpot hat abgelehnt, was Wonward brauchte'),
};

const NO_SUCH_CONTACT = words('The contact is not there any more', 'Den Kontakt gibt es nicht mehr');
const NO_SUCH_REFERRAL = words('Nobody of this record was referred', 'Niemand in diesem Datensatz wurde empfohlen');

const MEMBER_MADE = [
  { value: 'created', label: words('Is a member now', 'Ist jetzt Mitglied') },
  { value: 'existing', label: words('Was a member already', 'War bereits Mitglied') },
];

export const WORKFLOW_ACTIONS: readonly WorkflowActionDeclaration[] = [
  {
    name: 'enrol-member',
    objectTypes: ['CONTACT'],
    label: words('Enrol in the referral program', 'In das Empfehlungsprogramm aufnehmen'),
    description: words(
      'Makes the contact a member, with a code and a link of their own. A contact who is a member already stays one.',
      'Macht den Kontakt zum Mitglied mit eigenem Code und Link. Wer es schon ist, bleibt es.',
    ),
    cardContent: words('Enrol the contact as a member', 'Kontakt als Mitglied aufnehmen'),
    inputs: [consentText('member-consents')],
    dependencies: [],
    outputs: [outcome(MEMBER_MADE), MEMBER_ID, REFERRAL_CODE, SHARE_LINK, ...ERROR_OUTPUTS],
    properties: CONTACT_PROPERTIES,
    refusals: {
      ...REFUSALS_OF_ALL,
      no_such_contact: NO_SUCH_CONTACT,
      no_such_consent_text: NO_SUCH_CONSENT_TEXT,
    },
  },
  {
    name: 'get-share-link',
    objectTypes: ['CONTACT'],
    label: words('Get the share link', 'Link zum Teilen abrufen'),
    description: words(
      'Gives the contact’s own referral link and code to the steps that follow. Who is no member yet becomes one.',
      'Gibt Link und Code des Kontakts an die folgenden Schritte weiter. Wer noch kein Mitglied ist, wird es.',
    ),
    cardContent: words('Get the contact’s share link', 'Link des Kontakts abrufen'),
    inputs: [],
    dependencies: [],
    outputs: [outcome(MEMBER_MADE), SHARE_LINK, REFERRAL_CODE, MEMBER_ID, ...ERROR_OUTPUTS],
    properties: CONTACT_PROPERTIES,
    refusals: { ...REFUSALS_OF_ALL, no_such_contact: NO_SUCH_CONTACT },
  },
  {
    name: 'submit-referral',
    objectTypes: ['CONTACT'],
    label: words('Submit a referral', 'Empfehlung einreichen'),
    description: words(
      'Records that the contact was referred. Say by whom: by the code that the contact gave, or by the record ID of the contact who referred.',
      'Hält fest, dass der Kontakt empfohlen wurde: von wem, sagt der angegebene Code oder die Datensatz-ID des empfehlenden Kontakts.',
    ),
    cardContent: words('Submit the contact as a referral', 'Kontakt als Empfehlung einreichen'),
    inputs: [
      {
        ...REFERRAL_CODE,
        name: 'referrer_code',
        label: words('Code of the member who referred', 'Code des empfehlenden Mitglieds'),
        fromProperty: true,
      },
      {
        ...text('referrer_contact', words('Record ID of the contact who referred', 'Datensatz-ID des Empfehlenden')),
        fromProperty: true,
      },
      consentText('friend-consents'),
    ],
    dependencies: [],
    outputs: [
      outcome([
        { value: 'created', label: words('Recorded', 'Festgehalten') },
        { value: 'existing', label: words('Known already', 'Bereits bekannt') },
      ]),
      REFERRAL_ID,
      MEMBER_ID,
      ...ERROR_OUTPUTS,
    ],
    properties: CONTACT_PROPERTIES,
    refusals: {
      ...REFUSALS_OF_ALL,
      no_such_contact: NO_SUCH_CONTACT,
      no_such_member: words('Nobody is known by whom the contact was referred', 'Wer empfohlen hat, ist nicht bekannt'),
      no_such_consent_text: NO_SUCH_CONSENT_TEXT,
      no_program: words('There is no open program', 'Es gibt kein offenes Programm'),
      self_referral: words('Nobody can refer themselves', 'Niemand kann sich selbst empfehlen'),
      referred_by_another: words(
        'Another member referred the contact',
        'Ein anderes Mitglied hat den Kontakt empfohlen',
      ),
    },
  },
  {
    name: 'issue-reward',
    objectTypes: ['CONTACT', 'DEAL'],
    label: words('Issue the reward', 'Prämie freigeben'),
    description: words(
      'Approves the rewards of this referral that wait for somebody’s word. It pays nothing that no published rule grants: give a rule "review: always" to let workflows decide when it pays.',
      'Gibt die Prämien dieser Empfehlung frei, die auf ein Wort warten. Bezahlt wird nur, was eine veröffentlichte Regel gewährt: Mit „Prüfung: immer“ entscheidet der Workflow, wann.',
    ),
    cardContent: words('Issue the reward {{rule}}', 'Prämie {{rule}} freigeben'),
    inputs: [
      PROGRAM,
      RULE,
      {
        name: 'note',
        type: 'string',
        fieldType: 'textarea',
        label: words('Why', 'Warum'),
        description: words('Stands with the decision.', 'Steht bei der Entscheidung.'),
      },
    ],
    dependencies: [{ on: 'program', of: ['rule'] }],
    outputs: [outcome([{ value: 'approved', label: words('Approved', 'Freigegeben') }]), REWARD_ID, ...ERROR_OUTPUTS],
    properties: [],
    refusals: {
      ...REFUSALS_OF_ALL,
      no_such_referral: NO_SUCH_REFERRAL,
      nothing_decided: words('No rule has been decided on yet', 'Es wurde noch über keine Regel entschieden'),
      awaits_nobody: words('No reward waits for anybody', 'Keine Prämie wartet auf jemanden'),
    },
  },
  {
    name: 'set-stage',
    objectTypes: ['CONTACT', 'DEAL'],
    label: words('Set the referral’s lifecycle stage', 'Phase der Empfehlung setzen'),
    description: words(
      'Moves a referral whose friend has no deal yet: accepted, qualified, declined or expired. As soon as there is a deal the stage follows it, where everybody sees it; then the workflow is told and can move the deal. Nothing is paid for a stage that is set.',
      'Verschiebt eine Empfehlung, deren empfohlene Person noch keinen Deal hat: accepted, qualified, declined oder expired. Sobald es einen Deal gibt, folgt die Phase ihm; dann erfährt es der Workflow und kann den Deal verschieben. Für eine gesetzte Phase wird nichts bezahlt.',
    ),
    cardContent: words('Set the stage {{stage}}', 'Phase {{stage}} setzen'),
    inputs: [
      {
        name: 'stage',
        type: 'enumeration',
        fieldType: 'select',
        label: words('Lifecycle stage', 'Phase'),
        choices: 'stages',
        isRequired: true,
      },
      {
        name: 'note',
        type: 'string',
        fieldType: 'textarea',
        label: words('Why', 'Warum'),
        description: words('Stands with the referral.', 'Steht bei der Empfehlung.'),
      },
    ],
    dependencies: [],
    outputs: [
      outcome([{ value: 'set', label: words('Is in that stage', 'Ist in dieser Phase') }]),
      text('stage', words('Stage of the referral', 'Phase der Empfehlung')),
      REFERRAL_ID,
      ...ERROR_OUTPUTS,
    ],
    properties: [],
    refusals: {
      ...REFUSALS_OF_ALL,
      no_such_referral: NO_SUCH_REFERRAL,
      follows_the_deal: words(
        'The stage follows the deal: move the deal to set it',
        'Die Phase folgt dem Deal: bitte den Deal verschieben',
      ),
      declined_by_policy: words(
        'Declined: what speaks against the referral speaks against it still',
        'Abgelehnt: was gegen die Empfehlung spricht, spricht weiter dagegen',
      ),
    },
  },
  {
    name: 'wait-until-rewarded',
    objectTypes: ['CONTACT', 'DEAL'],
    label: words('Wait until rewarded', 'Auf die Prämie warten'),
    description: words(
      'Holds the workflow until a reward of this referral is issued, or until it is known that none will be.',
      'Hält den Workflow an, bis eine Prämie dieser Empfehlung ausgegeben ist oder feststeht, dass es keine gibt.',
    ),
    cardContent: words('Wait for the reward for up to {{days}} days', 'Bis zu {{days}} Tage auf die Prämie warten'),
    inputs: [
      PROGRAM,
      RULE,
      {
        name: 'party',
        type: 'enumeration',
        fieldType: 'select',
        label: words('Whose reward', 'Wessen Prämie'),
        description: words('Empty: anybody’s.', 'Leer: egal, wessen.'),
        options: [
          { value: 'member', label: words('The member’s', 'Die des Mitglieds') },
          { value: 'friend', label: words('The friend’s', 'Die der empfohlenen Person') },
          { value: 'recruiter', label: words('The recruiter’s', 'Die des Werbers') },
          { value: 'assist', label: words('The assisting member’s', 'Die des mitwirkenden Mitglieds') },
        ],
      },
      {
        name: 'days',
        type: 'number',
        fieldType: 'number',
        label: words('Days to wait at the most', 'Höchstens so viele Tage'),
        description: words('1 to 365; empty: 7.', '1 bis 365; leer: 7.'),
        fromProperty: true,
      },
    ],
    dependencies: [{ on: 'program', of: ['rule'] }],
    outputs: [
      outcome([
        { value: 'rewarded', label: words('Issued', 'Ausgegeben') },
        { value: 'rejected', label: words('Rejected by a reviewer', 'Bei der Prüfung abgelehnt') },
        { value: 'taken_back', label: words('Issued and taken back', 'Ausgegeben und zurückgenommen') },
        { value: 'expired', label: words('Expired', 'Abgelaufen') },
        { value: 'lost', label: words('The deals are lost', 'Die Deals sind verloren') },
        { value: 'declined', label: words('The referral was declined', 'Die Empfehlung wurde abgelehnt') },
        { value: 'gone', label: words('The referral is gone', 'Die Empfehlung gibt es nicht mehr') },
      ]),
      REWARD_ID,
      { name: 'amount', type: 'number', fieldType: 'number', label: words('Amount', 'Betrag') },
      text('currency', words('Currency', 'Währung')),
      REFERRAL_ID,
      ...ERROR_OUTPUTS,
    ],
    properties: [],
    refusals: {
      ...REFUSALS_OF_ALL,
      no_such_referral: NO_SUCH_REFERRAL,
      no_such_rule: words('The rule is not published', 'Die Regel ist nicht veröffentlicht'),
      missing_permission: words(
        'Wonward may not continue workflows: connect again',
        'Wonward darf Workflows nicht fortsetzen: bitte neu verbinden',
      ),
    },
  },
];
