import { basename } from 'node:path';
import { all, type Files, type Node, one, textOf, textsOf } from './salesforce-files.ts';
import {
  childOf,
  hasField,
  hasObject,
  isAlwaysThere,
  isDetail,
  type PackagedField,
  type PackageModel,
  packagedFields,
  packageModel,
} from './salesforce-package.ts';

/**
 * What a deployment would refuse and no converter sees: a file that names what no other file has, a name that is too long, a permission
 * for a field that may have none. Each rule answers with the path and what is wrong.
 */

type Rule = (model: PackageModel) => string[];

/** Object Reference, "Custom Field Types"; Metadata API Developer Guide. */
const NAME_LENGTH_MAX = 40;
const LABEL_LENGTH_MAX = 40;
const DESCRIPTION_LENGTH_MAX = 1000;
const HELP_LENGTH_MAX = 510;
const TEXT_LENGTH_MAX = 255;
const LONG_TEXT_LENGTH = { min: 256, max: 131_072 };
const LIST_COLUMNS_MAX = 15;
const COMPACT_FIELDS_MAX = 10;
const SEARCH_FIELDS_MAX = 10;
const GRID_COLUMNS = 12;

const CALLS_OUT =
  /\.(remoteSite|namedCredential|externalCredential|cspTrustedSite|externalServiceRegistration|trigger|page|site)(-meta\.xml)?$/;

const LIST_TOKENS = new Set(['NAME', 'CREATED_DATE', 'CREATEDBY_USER', 'LAST_UPDATE', 'OWNER.ALIAS']);

const developerNameProblem = (name: string): string | null => {
  if (name.length > NAME_LENGTH_MAX) return `the name ${name} has more than ${NAME_LENGTH_MAX} characters`;
  return /^[A-Za-z](?:_?[A-Za-z0-9])*$/.test(name) ? null : `${name} is no developer name`;
};

const fieldOf = (model: PackageModel, object: string, name: string): PackagedField | undefined =>
  (model.objects.get(object) ?? model.onStandard.get(object))?.get(name);

const fields: Rule = (model) => {
  const problems: string[] = [];
  const relationships = new Set<string>();
  for (const { path, root } of model.ofKind('field').values()) {
    const say = (problem: string): number => problems.push(`${path}: ${problem}`);
    const name = basename(path, '.field-meta.xml');
    const type = textOf(root, 'type') ?? '';
    const length = Number(textOf(root, 'length') ?? 0);
    if (textOf(root, 'fullName') !== name) say(`declares ${textOf(root, 'fullName')}`);
    if (!name.endsWith('__c')) say('a custom field’s name ends with __c');
    const badName = developerNameProblem(name.replace(/__c$/, ''));
    if (badName) say(badName);
    if ((textOf(root, 'label') ?? '').length > LABEL_LENGTH_MAX) say('the label is too long');
    const description = textOf(root, 'description') ?? '';
    if (description === '') say('does not say what it is');
    if (description.length > DESCRIPTION_LENGTH_MAX) say('the description is too long');
    if ((textOf(root, 'inlineHelpText') ?? '').length > HELP_LENGTH_MAX) say('the help is too long');
    if (type === 'Text' && (length < 1 || length > TEXT_LENGTH_MAX)) say(`a text of ${length} characters`);
    if (type === 'LongTextArea' && (length < LONG_TEXT_LENGTH.min || length > LONG_TEXT_LENGTH.max))
      say(`a long text of ${length} characters`);
    if (textOf(root, 'externalId') === 'true' && textOf(root, 'unique') !== 'true') say('an external id is unique');
    const target = textOf(root, 'referenceTo');
    if (target !== undefined) {
      if (!hasObject(model, target)) say(`refers to ${target}, which is not there`);
      const relationship = textOf(root, 'relationshipName') ?? '';
      const badRelationship = developerNameProblem(relationship);
      if (badRelationship) say(badRelationship);
      if (relationships.has(`${target}.${relationship}`)) say(`${target} has the relationship ${relationship} twice`);
      relationships.add(`${target}.${relationship}`);
      if (textOf(root, 'required') === 'true' && textOf(root, 'deleteConstraint') === 'SetNull')
        say('a required look-up cannot be emptied');
    }
    const values = fieldOf(model, path.split('/')[1] ?? '', name)?.values ?? [];
    if (new Set(values).size < values.length) say('has a value twice');
  }
  for (const [object, own] of model.objects) {
    const root = model.ofKind('object').get(`${object}.${object}`)?.root;
    const sharing = root && textOf(root, 'sharingModel');
    if (isDetail(own) !== (sharing === 'ControlledByParent'))
      problems.push(`${object}: a detail is shared with its master`);
    const apis = ['enableBulkApi', 'enableSharing', 'enableStreamingApi'].map((name) => root && textOf(root, name));
    if (new Set(apis).size > 1) problems.push(`${object}: ${apis.join(', ')}: the three are on together or off`);
  }
  return problems;
};

/** A text too long to be sorted by, shown in a list or found by. */
const isLong = (field: PackagedField | undefined): boolean => field?.type === 'LongTextArea';

function valueProblems(field: PackagedField | undefined, value: string | undefined): string[] {
  if (!field || field.values.length === 0) return [];
  return (value ?? '')
    .split(',')
    .filter((one) => !field.values.includes(one))
    .map((one) => `${field.object}.${field.name} has no value "${one}"`);
}

const lists: Rule = (model) =>
  [...model.ofKind('listView').values()].flatMap(({ path, root }) => {
    const object = path.split('/')[1] ?? '';
    const problems: string[] = [];
    const named = [...textsOf(root, 'columns'), ...all(root, 'filters').map((filter) => textOf(filter, 'field') ?? '')];
    for (const name of named) {
      if (LIST_TOKENS.has(name)) continue;
      const field = fieldOf(model, object, name);
      if (!field) problems.push(`${object} has no field ${name}`);
      if (isLong(field)) problems.push(`${name} is too long for a list`);
    }
    if (textsOf(root, 'columns').length > LIST_COLUMNS_MAX) problems.push(`more than ${LIST_COLUMNS_MAX} columns`);
    const columns = textsOf(root, 'columns');
    if (new Set(columns).size < columns.length) problems.push('a column twice');
    for (const filter of all(root, 'filters'))
      problems.push(...valueProblems(fieldOf(model, object, textOf(filter, 'field') ?? ''), textOf(filter, 'value')));
    const name = basename(path, '.listView-meta.xml');
    if (textOf(root, 'fullName') !== name) problems.push(`declares ${textOf(root, 'fullName')}`);
    const badName = developerNameProblem(name);
    if (badName) problems.push(badName);
    if ((textOf(root, 'label') ?? '').length > LABEL_LENGTH_MAX) problems.push('the label is too long');
    return problems.map((problem) => `${path}: ${problem}`);
  });

const highlights: Rule = (model) => {
  const problems: string[] = [];
  for (const { path, root } of model.ofKind('compactLayout').values()) {
    const object = path.split('/')[1] ?? '';
    const shown = textsOf(root, 'fields');
    for (const name of shown) {
      if (!hasField(model, object, name)) problems.push(`${path}: ${object} has no field ${name}`);
      if (isLong(fieldOf(model, object, name))) problems.push(`${path}: ${name} is too long for a compact layout`);
    }
    if (shown.length > COMPACT_FIELDS_MAX) problems.push(`${path}: more than ${COMPACT_FIELDS_MAX} fields`);
  }
  for (const { path, root } of model.ofKind('object').values()) {
    const object = path.split('/')[1] ?? '';
    const assigned = textOf(root, 'compactLayoutAssignment');
    if (assigned === undefined || !model.ofKind('compactLayout').has(`${object}.${assigned}`))
      problems.push(`${path}: there is no compact layout ${assigned}`);
    const search = one(root, 'searchLayouts');
    if (!search) problems.push(`${path}: no search layouts`);
    for (const { name, text } of search?.children ?? []) {
      if (!hasField(model, object, text)) problems.push(`${path}: ${name}: ${object} has no field ${text}`);
      if (isLong(fieldOf(model, object, text))) problems.push(`${path}: ${name}: ${text} is too long`);
      if (search && textsOf(search, name).length > SEARCH_FIELDS_MAX) problems.push(`${path}: ${name}: too many`);
    }
  }
  return problems;
};

const layouts: Rule = (model) => {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { path, root } of model.ofKind('layout').values()) {
    const object = basename(path).split('-')[0] ?? '';
    const say = (problem: string): number => problems.push(`${path}: ${problem}`);
    const own = model.objects.get(object);
    if (!own) {
      say(`there is no object ${object}`);
      continue;
    }
    seen.add(object);
    const items = all(root, 'layoutSections')
      .flatMap((section) => all(section, 'layoutColumns'))
      .flatMap((column) => all(column, 'layoutItems'));
    const behaviours = new Map<string, string>();
    for (const item of items) {
      const name = textOf(item, 'field') ?? '';
      if (!hasField(model, object, name)) say(`${object} has no field ${name}`);
      if (behaviours.has(name)) say(`${name} stands there twice`);
      behaviours.set(name, textOf(item, 'behavior') ?? '');
    }
    for (const field of own.values()) {
      const behaviour = behaviours.get(field.name);
      if (behaviour === undefined) say(`${field.name} is missing`);
      else if (isAlwaysThere(field) !== (behaviour === 'Required'))
        say(`${field.name} is ${behaviour}, and ${isAlwaysThere(field) ? 'has to be' : 'must not be'} Required`);
    }
    for (const section of all(root, 'layoutSections')) {
      const columns = all(section, 'layoutColumns').length;
      const style = textOf(section, 'style') ?? '';
      if (columns !== (style.startsWith('TwoColumns') ? 2 : 1)) say(`${columns} columns in a section of ${style}`);
    }
    for (const list of all(root, 'relatedLists')) {
      const [child = '', lookup = ''] = (textOf(list, 'relatedList') ?? '').split('.');
      if (fieldOf(model, child, lookup)?.referenceTo !== object) say(`${child}.${lookup} does not refer to ${object}`);
      for (const name of textsOf(list, 'fields')) {
        if (name !== 'NAME' && !fieldOf(model, child, name)) say(`${child} has no field ${name}`);
      }
    }
  }
  for (const object of model.objects.keys()) if (!seen.has(object)) problems.push(`${object} has no layout`);
  return problems;
};

const navigation: Rule = (model) => {
  const problems: string[] = [];
  const tabs = model.ofKind('tab');
  for (const [name, { path, root }] of tabs) {
    if (textOf(root, 'customObject') !== 'true') continue;
    if (!model.objects.has(name)) problems.push(`${path}: there is no object ${name}`);
    // A deployment refuses it: an object's tab has the object's label.
    if (one(root, 'label')) problems.push(`${path}: an object’s tab takes no label`);
    if (!/^Custom\d{1,3}: \S/.test(textOf(root, 'motif') ?? '')) problems.push(`${path}: no motif`);
  }
  for (const object of model.objects.keys()) if (!tabs.has(object)) problems.push(`${object} has no tab`);
  for (const { path, root } of model.ofKind('app').values()) {
    for (const tab of textsOf(root, 'tabs'))
      if (!tab.startsWith('standard-') && !tabs.has(tab)) problems.push(`${path}: there is no tab ${tab}`);
  }
  return problems;
};

const isTrue = (node: Node, name: string): boolean => textOf(node, name) === 'true';

const permissionSets: Rule = (model) => {
  const problems: string[] = [];
  const classes = new Set(
    [...model.files.keys()].filter((path) => path.endsWith('.cls')).map((path) => basename(path, '.cls')),
  );
  for (const { path, root } of model.ofKind('permissionset').values()) {
    const say = (problem: string): number => problems.push(`${path}: ${problem}`);
    const granted = new Map(all(root, 'objectPermissions').map((node) => [textOf(node, 'object') ?? '', node]));
    for (const [object, node] of granted) {
      if (!model.objects.has(object))
        say(`${object} is not an object of the package, which carries no permission for it`);
      const may = (name: string): boolean => isTrue(node, name);
      const writes = ['allowCreate', 'allowEdit', 'allowDelete', 'viewAllRecords', 'modifyAllRecords'].some(may);
      if (writes && !may('allowRead')) say(`${object}: nothing is granted without allowRead`);
      if (may('allowDelete') && !may('allowEdit')) say(`${object}: allowDelete asks for allowEdit`);
      if (may('modifyAllRecords') && !['allowEdit', 'allowDelete', 'viewAllRecords'].every(may))
        say(`${object}: modifyAllRecords asks for all the others`);
      for (const field of model.objects.get(object)?.values() ?? []) {
        const master = field.isMasterDetail ? granted.get(field.referenceTo ?? '') : node;
        if (!master || !isTrue(master, 'allowRead')) say(`${object}: asks for ${field.referenceTo}, its master`);
      }
    }
    const named = new Set<string>();
    for (const node of all(root, 'fieldPermissions')) {
      const full = textOf(node, 'field') ?? '';
      const [object = '', name = ''] = full.split('.');
      const field = fieldOf(model, object, name);
      if (!field) say(`there is no field ${full}`);
      else if (isAlwaysThere(field)) say(`${full} is required or a master, and takes no permission`);
      if (model.objects.has(object) && !granted.has(object)) say(`${full}: the object is not granted`);
      if (isTrue(node, 'editable') && !isTrue(node, 'readable')) say(`${full} is edited but not read`);
      if (named.has(full)) say(`${full} twice`);
      named.add(full);
    }
    for (const field of packagedFields(model)) {
      if (!isAlwaysThere(field) && !named.has(`${field.object}.${field.name}`))
        say(`nothing is said of ${field.object}.${field.name}`);
    }
    for (const node of all(root, 'classAccesses')) {
      const name = textOf(node, 'apexClass') ?? '';
      if (!classes.has(name)) say(`there is no class ${name}`);
    }
    for (const node of all(root, 'tabSettings')) {
      const name = textOf(node, 'tab') ?? '';
      if (!model.ofKind('tab').has(name)) say(`there is no tab ${name}`);
    }
    for (const node of all(root, 'applicationVisibilities')) {
      const name = textOf(node, 'application') ?? '';
      if (!model.ofKind('app').has(name)) say(`there is no app ${name}`);
    }
    if (all(root, 'userPermissions').length > 0) say('a package carries no user permissions');
    const badName = developerNameProblem(basename(path, '.permissionset-meta.xml'));
    if (badName) say(badName);
  }
  return problems;
};

interface ReportTypeTables {
  /** Object by table: `Referral__c`, `Referral__c.Rewards__r`. */
  readonly tables: ReadonlyMap<string, string>;
  /** `Referral__c.Rewards__r$Amount__c`, as reports name columns. */
  readonly columns: ReadonlySet<string>;
}

function reportTypeTables(model: PackageModel, root: Node): ReportTypeTables {
  const base = textOf(root, 'baseObject') ?? '';
  const tables = new Map([[base, base]]);
  let [table, object, join] = [base, base, one(root, 'join')];
  while (join) {
    const relationship = textOf(join, 'relationship') ?? '';
    const child = childOf(model, object, relationship);
    table = `${table}.${relationship}`;
    object = child ?? '';
    if (child) tables.set(table, child);
    join = one(join, 'join');
  }
  const columns = all(root, 'sections')
    .flatMap((section) => all(section, 'columns'))
    .map((column) => `${textOf(column, 'table')}$${textOf(column, 'field')}`);
  return { tables, columns: new Set(columns) };
}

const reportTypes: Rule = (model) =>
  [...model.ofKind('reportType').values()].flatMap(({ path, root }) => {
    const { tables } = reportTypeTables(model, root);
    const problems: string[] = [];
    const base = textOf(root, 'baseObject') ?? '';
    if (!hasObject(model, base)) problems.push(`there is no object ${base}`);
    for (let join = one(root, 'join'), depth = 1; join; join = one(join, 'join'), depth += 1) {
      if (tables.size <= depth) problems.push(`there is no relationship ${textOf(join, 'relationship')}`);
    }
    for (const column of all(root, 'sections').flatMap((section) => all(section, 'columns'))) {
      const [table = '', field = ''] = [textOf(column, 'table'), textOf(column, 'field')];
      const object = tables.get(table);
      if (object === undefined) problems.push(`there is no table ${table}`);
      else if (!hasField(model, object, field)) problems.push(`${object} has no field ${field}`);
    }
    const badName = developerNameProblem(basename(path, '.reportType-meta.xml'));
    if (badName) problems.push(badName);
    return problems.map((problem) => `${path}: ${problem}`);
  });

const NUMBERS = new Set(['Number', 'Currency', 'Percent']);
const DATES = new Set(['Date', 'DateTime']);

const reports: Rule = (model) => {
  const problems: string[] = [];
  const typesOfReports = model.ofKind('reportType');
  for (const { path, root } of model.ofKind('report').values()) {
    const say = (problem: string): number => problems.push(`${path}: ${problem}`);
    const named = textOf(root, 'reportType') ?? '';
    const type = typesOfReports.get(named.replace(/__c$/, ''));
    if (!type || !named.endsWith('__c')) {
      say(`there is no report type ${named}`);
      continue;
    }
    const { tables, columns } = reportTypeTables(model, type.root);
    const at = (column: string): PackagedField | undefined => {
      const [table = '', field = ''] = column.split('$');
      return fieldOf(model, tables.get(table) ?? '', field);
    };
    const groupings = all(root, 'groupingsDown');
    const grouped = groupings.map((node) => textOf(node, 'field') ?? '');
    const shown = all(root, 'columns').map((node) => textOf(node, 'field') ?? '');
    const criteria = one(root, 'filter') ? all(one(root, 'filter') ?? root, 'criteriaItems') : [];
    const frame = one(root, 'timeFrameFilter');
    const used = [
      ...shown,
      ...grouped,
      ...criteria.map((node) => textOf(node, 'column') ?? ''),
      ...textsOf(root, 'sortColumn'),
      ...(frame ? textsOf(frame, 'dateColumn') : []),
    ];
    for (const column of used) if (!columns.has(column)) say(`${named} has no column ${column}`);
    for (const column of shown) if (grouped.includes(column)) say(`${column} is a column and a grouping`);
    for (const node of criteria)
      for (const problem of valueProblems(at(textOf(node, 'column') ?? ''), textOf(node, 'value'))) say(problem);
    for (const node of groupings) {
      const field = at(textOf(node, 'field') ?? '');
      if (field && /TextArea/.test(field.type)) say(`${field.name} is too long to group by`);
      if (textOf(node, 'dateGranularity') !== 'Day' && field && !DATES.has(field.type)) say(`${field.name} is no date`);
    }
    if ((textOf(root, 'format') === 'Summary') !== groupings.length > 0) say('a summary has groupings, a table none');
    for (const node of all(root, 'columns').filter((column) => one(column, 'aggregateTypes'))) {
      const column = textOf(node, 'field') ?? '';
      const field = at(column);
      if (field && !NUMBERS.has(field.type)) say(`${column} is not summed`);
      // An amount of ours is a number with its currency beside it.
      if (field?.name === 'Amount__c') {
        const currency = column.replace('Amount__c', 'Currency__c');
        if (grouped[0] !== currency || isTrue(root, 'showGrandTotal'))
          say(`${column} adds amounts of several currencies`);
      }
    }
    const chart = one(root, 'chart');
    if (chart) {
      if (!grouped.includes(textOf(chart, 'groupingColumn') ?? '')) say('the chart’s grouping is none of the report');
      for (const summary of all(chart, 'chartSummaries')) {
        const column = textOf(summary, 'column') ?? '';
        if (column !== 'RowCount' && !shown.includes(column)) say(`the chart sums ${column}, which is not shown`);
      }
    }
    const folder = path.split('/')[1] ?? '';
    if (!model.ofKind('reportFolder').has(folder)) say(`there is no folder ${folder}`);
    const badName = developerNameProblem(basename(path, '.report-meta.xml'));
    if (badName) say(badName);
    if ((textOf(root, 'name') ?? '').length > LABEL_LENGTH_MAX) say('the name is too long');
  }
  return problems;
};

const dashboards: Rule = (model) => {
  const problems: string[] = [];
  const known = new Map(
    [...model.ofKind('report').values()].map(({ path, root }) => [
      path.replace(/^reports\/|\.report-meta\.xml$/g, ''),
      root,
    ]),
  );
  for (const { path, root } of model.ofKind('dashboard').values()) {
    const say = (problem: string): number => problems.push(`${path}: ${problem}`);
    const cells = new Set<string>();
    for (const cell of all(one(root, 'dashboardGridLayout') ?? root, 'dashboardGridComponents')) {
      const component = one(cell, 'dashboardComponent') ?? cell;
      const name = textOf(component, 'report') ?? '';
      const report = known.get(name);
      if (!report) say(`there is no report ${name}`);
      const grouped = report ? all(report, 'groupingsDown').map((node) => textOf(node, 'field')) : [];
      const shown = report ? all(report, 'columns').map((node) => textOf(node, 'field')) : [];
      for (const column of textsOf(component, 'groupingColumn'))
        if (report && !grouped.includes(column)) say(`${name} is not grouped by ${column}`);
      for (const summary of all(component, 'chartSummary')) {
        const column = textOf(summary, 'column') ?? '';
        if (report && column !== 'RowCount' && !shown.includes(column)) say(`${name} has no column ${column}`);
      }
      const [column, row, width, height] = ['columnIndex', 'rowIndex', 'colSpan', 'rowSpan'].map((key) =>
        Number(textOf(cell, key)),
      ) as [number, number, number, number];
      if (column + width > GRID_COLUMNS) say(`${name} stands beyond column ${GRID_COLUMNS}`);
      for (let x = column; x < column + width; x += 1)
        for (let y = row; y < row + height; y += 1) {
          if (cells.has(`${x},${y}`)) say(`${name} stands on another in ${x},${y}`);
          cells.add(`${x},${y}`);
        }
    }
    // A package cannot carry one that shows each user what that user sees.
    if (textOf(root, 'dashboardType') !== 'SpecifiedUser') say('a packaged dashboard has one running user');
    if (one(root, 'runningUser')) say('names a user that a subscriber does not have');
    const folder = path.split('/')[1] ?? '';
    if (!model.ofKind('dashboardFolder').has(folder)) say(`there is no folder ${folder}`);
  }
  return problems;
};

const channels: Rule = (model) =>
  [...model.ofKind('platformEventChannelMember').values()].flatMap(({ path, root }) => {
    const problems: string[] = [];
    const channel = textOf(root, 'eventChannel') ?? '';
    if (!model.ofKind('platformEventChannel').has(channel)) problems.push(`there is no channel ${channel}`);
    const entity = textOf(root, 'selectedEntity') ?? '';
    const object = entity.endsWith('__ChangeEvent')
      ? entity.replace(/__ChangeEvent$/, '__c')
      : entity.replace(/ChangeEvent$/, '');
    if (!hasObject(model, object)) problems.push(`there is no object ${object}`);
    return problems.map((problem) => `${path}: ${problem}`);
  });

const clientApps: Rule = (model) => {
  const problems: string[] = [];
  for (const { path, root } of model.ofKind('ecaOauth').values()) {
    const app = textOf(root, 'externalClientApplication') ?? '';
    if (!model.ofKind('eca').has(app)) problems.push(`${path}: there is no external client app ${app}`);
  }
  for (const [path, text] of model.files) {
    if (/\.(ecaGlblOauth|ecaOauthPlcy|ecaPlcy|connectedApp|profile)-meta\.xml$/.test(path))
      problems.push(`${path}: stays out of the package`);
    // The org calls nobody and runs nothing by itself: docs/security-review.md says so.
    if (CALLS_OUT.test(path)) problems.push(`${path}: the package calls nobody and runs nothing by itself`);
    if (/<(consumerKey|consumerSecret|certificate|oauthLink|runningUser)>/.test(text))
      problems.push(`${path}: holds what belongs to one org, or is secret`);
  }
  return problems;
};

const RULES: readonly Rule[] = [
  fields,
  lists,
  highlights,
  layouts,
  navigation,
  permissionSets,
  reportTypes,
  reports,
  dashboards,
  channels,
  clientApps,
];

export function referenceProblems(files: Files): string[] {
  const model = packageModel(files);
  return RULES.flatMap((rule) => rule(model));
}
