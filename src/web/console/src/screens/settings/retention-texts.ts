import { catalogue } from '../../i18n/text.ts';

export const retentionText = catalogue({
  en: {
    retention: 'Retention',
    retentionWhat:
      'For how long is kept what need not be kept for ever. Referrals, decisions, rewards and the ledger stay; a person who asks to be forgotten is forgotten at once, whatever is set here.',
    days: 'Days',
    forever: 'For ever',
    forgotten: 'Forgotten so far',
    bounds: '{min, number} to {max, number} days',
    boundsOrEver: '{min, number} to {max, number} days, or for ever',
    nothingYet: 'Nothing yet',
    forgottenUpTo: 'All before {day}',
    forgottenRows: '{rows, plural, one {# row} other {# rows}}',
    nextAt: 'What is older is forgotten next {when}.',
    lessWarns: 'What is older than this is forgotten within the hour and cannot be brought back.',
    retentionSaved: 'Saved.',
    inbox: 'Deliveries of the CRM',
    inboxWhy:
      'A delivery that comes again is known by them. CRMs send again for up to three days; 30 leave room for an outage.',
    workflowCalls: 'Calls of workflows',
    workflowCallsWhy: 'HubSpot makes a call again for three days and must hear the same answer.',
    reportLists: 'Rows of comparisons',
    reportListsWhy:
      'Which records differed. The signed comparison keeps their count; within 35 days a missing row counts as a fault.',
    reports: 'Comparisons with the CRM',
    reportsWhy: 'Whoever audits a year needs all of it and the month in which it is closed.',
    auditLog: 'Audit log',
    auditLogWhy: 'Who changed what. Books are kept for up to ten years, and who released money belongs to them.',
  },
  de: {
    retention: 'Aufbewahrung',
    retentionWhat:
      'Wie lange aufbewahrt wird, was nicht immer bleiben muss. Empfehlungen, Entscheidungen, Prämien und das Hauptbuch bleiben; wer verlangt, vergessen zu werden, wird sofort vergessen, was auch immer hier steht.',
    days: 'Tage',
    forever: 'Immer',
    forgotten: 'Bisher vergessen',
    bounds: '{min, number} bis {max, number} Tage',
    boundsOrEver: '{min, number} bis {max, number} Tage, oder immer',
    nothingYet: 'Noch nichts',
    forgottenUpTo: 'Alles vor dem {day}',
    forgottenRows: '{rows, plural, one {# Zeile} other {# Zeilen}}',
    nextAt: 'Was älter ist, wird als Nächstes {when} vergessen.',
    lessWarns: 'Was älter ist, wird binnen einer Stunde vergessen und lässt sich nicht zurückholen.',
    retentionSaved: 'Gespeichert.',
    inbox: 'Zustellungen des CRM',
    inboxWhy:
      'An ihnen wird eine Zustellung erkannt, die noch einmal kommt. CRMs stellen bis zu drei Tage lang neu zu; 30 lassen Raum für einen Ausfall.',
    workflowCalls: 'Aufrufe aus Workflows',
    workflowCallsWhy: 'HubSpot wiederholt einen Aufruf drei Tage lang und muss dieselbe Antwort hören.',
    reportLists: 'Zeilen von Abgleichen',
    reportListsWhy:
      'Welche Datensätze sich unterschieden. Der signierte Abgleich behält ihre Zahl; innerhalb von 35 Tagen gilt eine fehlende Zeile als Fehler.',
    reports: 'Abgleiche mit dem CRM',
    reportsWhy: 'Wer ein Jahr prüft, braucht es ganz und den Monat, in dem es abgeschlossen wird.',
    auditLog: 'Protokoll',
    auditLogWhy: 'Wer was geändert hat. Bücher werden bis zu zehn Jahre aufbewahrt, und wer Geld freigab, gehört dazu.',
  },
});
