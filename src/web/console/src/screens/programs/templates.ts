import { parse } from 'yaml';
import agency from '../../../../../../programs/agency-recruiter.yaml?raw';
import b2b from '../../../../../../programs/b2b-two-sided.yaml?raw';
import lead from '../../../../../../programs/lead-plus-won.yaml?raw';
import bonus from '../../../../../../programs/limited-time-bonus.yaml?raw';
import saas from '../../../../../../programs/saas-credit.yaml?raw';
import tiered from '../../../../../../programs/tiered-ambassador.yaml?raw';
import type { ProgramDocument } from './document.ts';

/** The programs that come with Wonward, to begin with. */
export const TEMPLATES = [
  { id: 'b2b-two-sided', text: b2b, title: 'templateB2b', what: 'templateB2bWhat' },
  { id: 'saas-credit', text: saas, title: 'templateSaas', what: 'templateSaasWhat' },
  { id: 'lead-plus-won', text: lead, title: 'templateLead', what: 'templateLeadWhat' },
  { id: 'tiered-ambassador', text: tiered, title: 'templateTiers', what: 'templateTiersWhat' },
  { id: 'limited-time-bonus', text: bonus, title: 'templateBonus', what: 'templateBonusWhat' },
  { id: 'agency-recruiter', text: agency, title: 'templateAgency', what: 'templateAgencyWhat' },
] as const;

export function templateDocument(id: string, programId: string, name: string): ProgramDocument {
  const { text } = TEMPLATES.find((one) => one.id === id) ?? TEMPLATES[0];
  return { ...(parse(text) as ProgramDocument), programId, name };
}
