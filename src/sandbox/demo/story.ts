import type { Step } from './run-story.ts';
import type { Scene } from './scene.ts';
import { install, provision } from './steps/connect.ts';
import { contacts, deal, referral } from './steps/refer.ts';
import { component, connectOrg, leadBecomesContact, opportunityReopened, opportunityWon } from './steps/salesforce.ts';
import { card, ledger, mirror } from './steps/show.ts';
import { reopened, sameWebhookAgain } from './steps/undo.ts';
import { rewards, wayToWon } from './steps/win.ts';

/** The main job, in order. Another step is another entry: a name, what people do, and one reading from outside. */
export function theStory(): Step<Scene>[] {
  return [
    install(),
    provision(),
    contacts,
    referral,
    deal,
    wayToWon,
    rewards,
    ledger,
    mirror,
    card,
    sameWebhookAgain(),
    reopened,
    connectOrg(),
    leadBecomesContact,
    opportunityWon,
    component,
    opportunityReopened,
  ];
}
