import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OAUTH_SCOPES } from '../../manifests/salesforce/package.ts';
import { all, type Files, one, PROJECT, planted, readFiles, SOURCE, textOf } from './salesforce-files.ts';
import { packageModel } from './salesforce-package.ts';
import { referenceProblems } from './salesforce-references.ts';

const files = readFiles(SOURCE);

const USER = 'permissionsets/Referral_User.permissionset-meta.xml';
const STATE = 'objects/Referral_Reward__c/fields/State__c.field-meta.xml';
const REFERRED_BY = 'objects/Contact/fields/Referred_By__c.field-meta.xml';
const NOT_PAID = 'objects/Referral_Reward__c/listViews/Not_Paid.listView-meta.xml';
const LAYOUT = 'layouts/Referral_Reward__c-Referral Reward Layout.layout-meta.xml';
const REPORT = 'reports/Wonward/Rewards_by_State.report-meta.xml';
const REPORT_TYPE = 'reportTypes/Referrals_With_Rewards.reportType-meta.xml';
const DASHBOARD = 'dashboards/Wonward/Referral_Program.dashboard-meta.xml';
const OBJECT = 'objects/Referral__c/Referral__c.object-meta.xml';
const HIGHLIGHTS = 'objects/Referral__c/compactLayouts/Highlights.compactLayout-meta.xml';

const permission = (field: string): string =>
  `<fieldPermissions><editable>false</editable><field>${field}</field><readable>true</readable></fieldPermissions><hasActivationRequired>`;

describe('what one file of the package names', () => {
  it('is there in another, short enough, and allowed', () => {
    expect(referenceProblems(files)).toEqual([]);
  });

  it.each<[string, string, string | RegExp, string, string]>([
    ['a field that declares another name', STATE, '>State__c<', '>Stait__c<', 'declares Stait__c'],
    ['a field that does not say what it is', STATE, /<description>.*<\/description>/, '', 'does not say what it is'],
    ['a label of 41 letters', STATE, '>State<', `>${'S'.repeat(41)}<`, 'label is too long'],
    ['a look-up to nothing', REFERRED_BY, '>Contact<', '>Kontact<', 'refers to Kontact'],
    [
      'a relationship that is there already',
      'objects/Referral_Member__c/fields/Contact__c.field-meta.xml',
      '>Referral_Members<',
      '>Referred_Contacts<',
      'relationship Referred_Contacts twice',
    ],
    [
      'a relationship with a name that is none',
      REFERRED_BY,
      '>Referred_Contacts<',
      '>Referred__Contacts<',
      'no developer name',
    ],
    [
      'a required look-up that a deletion empties',
      REFERRED_BY,
      '<required>false',
      '<required>true',
      'cannot be emptied',
    ],
    [
      'a text that is too long',
      'objects/Referral__c/fields/Program__c.field-meta.xml',
      '>80<',
      '>256<',
      'a text of 256',
    ],
    [
      'an external id that is not unique',
      'objects/Referral__c/fields/External_Id__c.field-meta.xml',
      '<unique>true',
      '<unique>false',
      'is unique',
    ],
    ['a value twice', STATE, '>queued<', '>waiting<', 'a value twice'],
    [
      'a master’s sharing on a detail',
      'objects/Referral_Reward__c/Referral_Reward__c.object-meta.xml',
      '<sharingModel>ControlledByParent',
      '<sharingModel>Private',
      'shared with its master',
    ],
    ['three switches that are not alike', OBJECT, '<enableSharing>true', '<enableSharing>false', 'on together or off'],
    ['a list of a field that is not there', NOT_PAID, '>Reason__c<', '>Reeson__c<', 'no field Reeson__c'],
    ['a list with a long text', NOT_PAID, '>Reason__c<', '>Next_Step__c<', 'too long for a list'],
    ['a list filtered by a value that is not there', NOT_PAID, 'waiting,', 'wating,', 'no value "wating"'],
    ['highlights of a field that is not there', HIGHLIGHTS, '>Stage__c<', '>Staage__c<', 'no field Staage__c'],
    ['highlights that are not there', OBJECT, '>Highlights<', '>Lowlights<', 'no compact layout Lowlights'],
    [
      'a search by a field that is not there',
      OBJECT,
      '<searchResultsAdditionalFields>Member__c',
      '<searchResultsAdditionalFields>Membr__c',
      'no field Membr__c',
    ],
    ['a layout with a field that is not there', LAYOUT, '>Rule__c<', '>Ruule__c<', 'no field Ruule__c'],
    [
      'a layout without a field',
      LAYOUT,
      /<layoutItems>\s*<behavior>Edit<\/behavior>\s*<field>Rule__c<\/field>\s*<\/layoutItems>/,
      '',
      'Rule__c is missing',
    ],
    [
      'a layout that lets a master be left out',
      LAYOUT,
      /Required(<\/behavior>\s*<field>Referral__c)/,
      'Edit$1',
      'has to be Required',
    ],
    ['a field twice on a layout', LAYOUT, '>Rule__c<', '>Party__c<', 'Party__c stands there twice'],
    ['a section with a column too few', LAYOUT, '<style>OneColumn', '<style>TwoColumnsTopToBottom', '1 columns'],
    [
      'a related list of somebody else’s',
      'layouts/Referral__c-Referral Layout.layout-meta.xml',
      'Referral_Action__c.Referral__c',
      'Referral_Action__c.Member__c',
      'does not refer to Referral__c',
    ],
    ['a tab with a label', 'tabs/Referral__c.tab-meta.xml', '<motif>', '<label>x</label><motif>', 'takes no label'],
    [
      'an app with a tab that is not there',
      'applications/Wonward.app-meta.xml',
      '>Referral_Member__c<',
      '>Referral_Membr__c<',
      'no tab Referral_Membr__c',
    ],
    [
      'access to a field that is not there',
      USER,
      '<hasActivationRequired>',
      permission('Referral__c.Gone__c'),
      'no field Referral__c.Gone__c',
    ],
    [
      'access to a required field',
      USER,
      '<hasActivationRequired>',
      permission('Referral__c.External_Id__c'),
      'is required or a master',
    ],
    [
      'access to a master',
      USER,
      '<hasActivationRequired>',
      permission('Referral_Reward__c.Referral__c'),
      'is required or a master',
    ],
    [
      'a field that a set forgets',
      USER,
      /<fieldPermissions>\s*<editable>false<\/editable>\s*<field>Referral_Reward__c.Reason__c[\s\S]*?<\/fieldPermissions>/,
      '',
      'nothing is said of Referral_Reward__c.Reason__c',
    ],
    [
      'a field that is edited but not read',
      USER,
      /(<editable>true[\s\S]*?<readable>)true/,
      '$1false',
      'is edited but not read',
    ],
    ['a detail without its master', USER, /(<object>)Referral__c(<)/, '$1Contact$2', 'asks for Referral__c'],
    [
      'access to an object that a package does not carry',
      USER,
      /(<object>)Referral__c(<)/,
      '$1Contact$2',
      'carries no permission',
    ],
    [
      'a class that is not there',
      USER,
      '<description>',
      '<classAccesses><apexClass>Gone</apexClass><enabled>true</enabled></classAccesses><description>',
      'no class Gone',
    ],
    [
      'a right that a package does not carry',
      USER,
      '<label>',
      '<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions><label>',
      'no user permissions',
    ],
    [
      'a report type over a relationship that is not there',
      REPORT_TYPE,
      '<relationship>Rewards__r',
      '<relationship>Rewords__r',
      'no relationship Rewords__r',
    ],
    [
      'a report type with a field that is not there',
      REPORT_TYPE,
      '<field>Reason__c',
      '<field>Reeson__c',
      'no field Reeson__c',
    ],
    [
      'a report of a type that is not there',
      REPORT,
      '<reportType>Referrals_With_Rewards__c',
      '<reportType>Referrals_With_Rewards',
      'no report type',
    ],
    [
      'a report with a column that its type has not',
      REPORT,
      'Rewards__r$Reason__c',
      'Rewards__r$Reeson__c',
      'has no column',
    ],
    ['a report filtered by a value that is not there', REPORT, 'skipped,', 'skiped,', 'no value "skiped"'],
    [
      'a report that adds dollars to euros',
      REPORT,
      '<showGrandTotal>false',
      '<showGrandTotal>true',
      'several currencies',
    ],
    ['a report that sums words', REPORT, 'Rewards__r$Amount__c', 'Rewards__r$Reason_Code__c', 'is not summed'],
    [
      'a chart of what is not grouped',
      'reports/Wonward/Members_by_Tier.report-meta.xml',
      '<groupingColumn>Referral_Member__c$Tier__c',
      '<groupingColumn>Referral_Member__c$Name',
      'grouping is none',
    ],
    [
      'a dashboard of a report that is not there',
      DASHBOARD,
      '>Wonward/Members_by_Tier<',
      '>Wonward/Members_by_Tear<',
      'no report Wonward/Members_by_Tear',
    ],
    [
      'a dashboard that groups as its report does not',
      DASHBOARD,
      '<groupingColumn>Referral__c$Stage__c',
      '<groupingColumn>Referral__c$Name',
      'is not grouped by',
    ],
    ['components that cover each other', DASHBOARD, '<columnIndex>6', '<columnIndex>5', 'stands on another'],
    ['a component beyond the edge', DASHBOARD, '<columnIndex>6', '<columnIndex>7', 'beyond column 12'],
    ['a dashboard that each user sees otherwise', DASHBOARD, 'SpecifiedUser', 'LoggedInUser', 'one running user'],
    [
      'a channel that is not there',
      'platformEventChannelMembers/Referral_Sync_chn_LeadChangeEvent.platformEventChannelMember-meta.xml',
      'Referral_Sync__chn',
      'Referral_Sink__chn',
      'no channel',
    ],
    [
      'changes of an object that is not there',
      'platformEventChannelMembers/Referral_Sync_chn_LeadChangeEvent.platformEventChannelMember-meta.xml',
      'LeadChangeEvent',
      'LeedChangeEvent',
      'no object Leed',
    ],
    [
      'help that is too long',
      REFERRED_BY,
      /<inlineHelpText>/,
      `<inlineHelpText>${'x'.repeat(511)}`,
      'help is too long',
    ],
    [
      'a long text that is too short',
      'objects/Referral_Reward__c/fields/Next_Step__c.field-meta.xml',
      '>32768<',
      '>255<',
      'a long text of 255',
    ],
    ['a field without its ending', STATE, '<fullName>State__c', '<fullName>State', 'declares State'],
    [
      'a list of sixteen columns',
      NOT_PAID,
      '<columns>NAME',
      `${'<columns>NAME</columns>'.repeat(7)}<columns>NAME`,
      'more than 15 columns',
    ],
    ['a list with a column twice', NOT_PAID, '>Reason__c<', '>Party__c<', 'a column twice'],
    ['a list that declares another name', NOT_PAID, '<fullName>Not_Paid', '<fullName>NotPaid', 'declares NotPaid'],
    [
      'highlights of eleven fields',
      HIGHLIGHTS,
      '<fields>Name',
      `${'<fields>Name</fields>'.repeat(10)}<fields>Name`,
      'more than 10 fields',
    ],
    [
      'highlights with a long text',
      'objects/Referral_Reward__c/compactLayouts/Highlights.compactLayout-meta.xml',
      '>Release_At__c<',
      '>Next_Step__c<',
      'too long for a compact layout',
    ],
    ['an object that cannot be searched', OBJECT, /<searchLayouts>[\s\S]*<\/searchLayouts>/, '', 'no search layouts'],
    [
      'a search that shows eleven fields',
      OBJECT,
      '<searchResultsAdditionalFields>',
      `${'<searchResultsAdditionalFields>Name</searchResultsAdditionalFields>'.repeat(10)}<searchResultsAdditionalFields>`,
      'too many',
    ],
    [
      'a search by a long text',
      'objects/Referral_Reward__c/Referral_Reward__c.object-meta.xml',
      '<searchResultsAdditionalFields>State__c',
      '<searchResultsAdditionalFields>Next_Step__c',
      'Next_Step__c is too long',
    ],
    [
      'a related list with a column that is not there',
      'layouts/Referral__c-Referral Layout.layout-meta.xml',
      '<fields>Outcome__c',
      '<fields>Outcum__c',
      'no field Outcum__c',
    ],
    ['a tab without a picture', 'tabs/Referral__c.tab-meta.xml', /Custom14: Hands/, 'Hands', 'no motif'],
    ['something granted without reading', USER, /<allowRead>true/, '<allowRead>false', 'without allowRead'],
    ['deletion without editing', USER, '<allowDelete>false', '<allowDelete>true', 'allowDelete asks for allowEdit'],
    [
      'all modified without the rest',
      USER,
      '<modifyAllRecords>false',
      '<modifyAllRecords>true',
      'asks for all the others',
    ],
    [
      'one field said twice',
      USER,
      '<hasActivationRequired>',
      permission('Referral__c.Stage__c'),
      'Referral__c.Stage__c twice',
    ],
    ['access to a tab that is not there', USER, '<tab>Referral__c', '<tab>Referal__c', 'no tab Referal__c'],
    ['access to an app that is not there', USER, '<application>Wonward', '<application>Wonword', 'no app Wonword'],
    [
      'a report type of an object that is not there',
      'reportTypes/Referrals.reportType-meta.xml',
      '<baseObject>Referral__c',
      '<baseObject>Referal__c',
      'no object Referal__c',
    ],
    [
      'a report type with a table that is not there',
      REPORT_TYPE,
      '<table>Referral__c.Rewards__r',
      '<table>Referral__c.Rewords__r',
      'no table Referral__c.Rewords__r',
    ],
    [
      'a report with a column that it groups by',
      REPORT,
      'Rewards__r$Reason__c',
      'Rewards__r$State__c',
      'is a column and a grouping',
    ],
    [
      'a report grouped by a paragraph',
      'reports/Wonward/Why_Nothing_Was_Paid.report-meta.xml',
      /Rewards__r\$Reason_Code__c/g,
      'Rewards__r$$Reason__c',
      'too long to group by',
    ],
    [
      'months of what is no date',
      'reports/Wonward/Won_Referrals_by_Month.report-meta.xml',
      /(<dateGranularity>Month<\/dateGranularity>\s*<field>Referral__c.)Stage_Changed_At__c/,
      '$1Program__c',
      'Program__c is no date',
    ],
    ['a table with groupings', REPORT, '<format>Summary', '<format>Tabular', 'a summary has groupings'],
    [
      'a chart of a column that is not shown',
      'reports/Wonward/Members_by_Tier.report-meta.xml',
      /(<axisBinding>y<\/axisBinding>\s*<column>Referral_Member__c.)Won_Referrals__c/,
      '$1Rewards_Held__c',
      'which is not shown',
    ],
    [
      'a dashboard of a column that its report has not',
      DASHBOARD,
      '<column>Opportunity$Amount',
      '<column>Opportunity$Probability',
      'has no column Opportunity$Probability',
    ],
    [
      'a dashboard that names a user',
      DASHBOARD,
      '<textColor>',
      '<runningUser>a@example.com</runningUser><textColor>',
      'a subscriber does not have',
    ],
    [
      'an OAuth setting of no app',
      'extlClntAppOauthSettings/Wonward_oauth.ecaOauth-meta.xml',
      '>Wonward<',
      '>Wonword<',
      'no external client app Wonword',
    ],
    [
      'a secret',
      'extlClntAppOauthSettings/Wonward_oauth.ecaOauth-meta.xml',
      '<label>',
      '<consumerSecret>x</consumerSecret><label>',
      'or is secret',
    ],
  ])('would not be %s', (_, path, from, to, problem) => {
    expect(referenceProblems(planted(files, path, from, to)).join('\n')).toContain(problem);
  });

  it('would not be a list, a report or a set whose name is longer than forty letters, nor an object without a tab', () => {
    const named = (path: string, as: string): Files => {
      const text = files.get(path) ?? '';
      return new Map([...files].filter(([one]) => one !== path)).set(path.replace(/[^/]+?(?=\.\w+-meta)/, as), text);
    };
    const long = 'A'.repeat(41);
    for (const path of [NOT_PAID, REPORT, USER, REPORT_TYPE])
      expect(referenceProblems(named(path, long)).join('\n')).toContain('more than 40 characters');
    const without = new Map([...files].filter(([path]) => path !== 'tabs/Referral__c.tab-meta.xml'));
    expect(referenceProblems(without)).toContain('Referral__c has no tab');
    const noLayout = new Map([...files].filter(([path]) => path !== LAYOUT));
    expect(referenceProblems(noLayout)).toContain('Referral_Reward__c has no layout');
    const noFolders = new Map([...files].filter(([path]) => !path.includes('Folder-meta')));
    expect(referenceProblems(noFolders).join()).toMatch(
      /report-meta.xml: there is no folder Wonward.*dashboard-meta.xml: there is no folder Wonward/,
    );
  });

  it('would be told of whatever calls out, runs by itself or holds a secret', () => {
    const planting = [
      'remoteSiteSettings/Other.remoteSite-meta.xml',
      'namedCredentials/Other.namedCredential-meta.xml',
      'triggers/Other.trigger',
      'pages/Other.page',
      'extlClntAppGlobalOauthSets/Wonward_glbloauth.ecaGlblOauth-meta.xml',
      'profiles/Admin.profile-meta.xml',
    ];
    for (const path of planting)
      expect(referenceProblems(new Map(files).set(path, '<Planted/>')).join()).toContain(`${path}: `);
  });
});

describe('the permission sets', () => {
  const model = packageModel(files);
  const setOf = (name: string) => {
    const root = model.ofKind('permissionset').get(name)?.root;
    if (!root) throw new Error(`no permission set ${name}`);
    const objects = new Map(
      all(root, 'objectPermissions').map((node) => [
        textOf(node, 'object') ?? '',
        node.children.filter(({ text }) => text === 'true').map((child) => child.name),
      ]),
    );
    const editable = all(root, 'fieldPermissions')
      .filter((node) => textOf(node, 'editable') === 'true')
      .map((node) => textOf(node, 'field') ?? '');
    const readable = all(root, 'fieldPermissions')
      .filter((node) => textOf(node, 'readable') === 'true')
      .map((node) => textOf(node, 'field') ?? '');
    const classes = all(root, 'classAccesses').map((node) => textOf(node, 'apexClass') ?? '');
    return { objects, editable, readable, classes };
  };
  const user = setOf('Referral_User');
  const manager = setOf('Referral_Manager');
  const integration = setOf('Referral_Integration');
  const MIRRORED = ['Referral_Consent_Text__c', 'Referral_Member__c', 'Referral_Reward__c', 'Referral__c'];

  it('let a rep read every referral, ask for something and say who referred a person, and change nothing else', () => {
    for (const object of MIRRORED) expect(user.objects.get(object)).toEqual(['allowRead', 'viewAllRecords']);
    expect(user.objects.get('Referral_Action__c')).toEqual(['allowCreate', 'allowRead']);
    expect(user.editable.filter((field) => !field.startsWith('Referral_Action__c.'))).toEqual([
      'Contact.Referral_Code_Used__c',
      'Contact.Referred_By__c',
      'Lead.Referral_Code_Used__c',
      'Lead.Referred_By__c',
    ]);
    // What Wonward answers with is not a rep's to write.
    for (const field of ['Outcome__c', 'Outcome_Code__c', 'Result__c', 'Completed_At__c'])
      expect(user.editable).not.toContain(`Referral_Action__c.${field}`);
  });

  it('let a manager do what a rep may, and see what everybody asked for', () => {
    expect(manager.editable).toEqual(user.editable);
    expect(manager.readable).toEqual(user.readable);
    expect(manager.classes).toEqual(expect.arrayContaining(user.classes));
    expect(manager.objects.get('Referral_Action__c')).toContain('viewAllRecords');
    for (const object of MIRRORED) expect(manager.objects.get(object)).toEqual(['allowRead', 'viewAllRecords']);
  });

  it('let the API’s user write the mirror and delete what a person asks to forget, and write nothing on the org’s own people', () => {
    expect(integration.editable).toEqual(
      integration.readable.filter((field) => /^Referral_/.test(field) || field.startsWith('Referral__c.')),
    );
    expect(integration.readable).toEqual(
      expect.arrayContaining(['Contact.Referred_By__c', 'Lead.Referral_Code_Used__c']),
    );
    for (const object of [...MIRRORED, 'Referral_Action__c'])
      expect(integration.objects.get(object)).toEqual(
        expect.arrayContaining(['allowCreate', 'allowEdit', 'allowDelete', 'viewAllRecords', 'modifyAllRecords']),
      );
  });

  it('open every class that a page or a flow calls to a manager, and to a rep those that pay nothing and move nothing', () => {
    const called = [...files]
      .filter(
        ([path, text]) =>
          path.endsWith('.cls') && /@InvocableMethod|@AuraEnabled(\([^)]*\))?\s+(public|global)\s+static/.test(text),
      )
      .map(([path]) => path.replace(/^.*\/|\.cls$/g, ''));
    const forManagers = ['IssueReferralReward', 'SetReferralStage'];
    for (const name of called) {
      expect(manager.classes).toContain(name);
      expect([name, user.classes.includes(name)]).toEqual([name, !forManagers.includes(name)]);
    }
  });
});

describe('the external client app', () => {
  const replacements = (
    JSON.parse(readFileSync(join(PROJECT, 'sfdx-project.json'), 'utf8')) as {
      replacements: { filename: string; stringToReplace: string; replaceWithEnv: string }[];
    }
  ).replacements;
  const model = packageModel(files);

  it('asks for the scopes that the connector asks for', () => {
    const root = model.ofKind('ecaOauth').get('Wonward_oauth')?.root;
    const names: Record<string, string> = { Api: 'api', RefreshToken: 'refresh_token' };
    const scopes = (root && textOf(root, 'commaSeparatedOauthScopes'))
      ?.split(', ')
      .map((scope) => names[scope] ?? scope);
    expect(scopes?.sort()).toEqual([...OAUTH_SCOPES].sort());
  });

  it('has a place for each thing that a release puts in, and holds none of them', () => {
    expect(replacements.map(({ replaceWithEnv }) => replaceWithEnv)).toEqual([
      'WONWARD_OAUTH_LINK',
      'WONWARD_SUPPORT_EMAIL',
    ]);
    for (const { filename, stringToReplace } of replacements)
      expect(files.get(filename.replace(`${SOURCE}/`, ''))?.split(stringToReplace)).toHaveLength(2);
    const [link] = replacements;
    const released = planted(
      files,
      (link?.filename ?? '').replace(`${SOURCE}/`, ''),
      link?.stringToReplace ?? '',
      '<oauthLink>00D000000000001:Wonward</oauthLink>',
    );
    const root = packageModel(released).ofKind('ecaOauth').get('Wonward_oauth')?.root;
    expect(root && one(root, 'oauthLink')?.text).toBe('00D000000000001:Wonward');
  });
});
