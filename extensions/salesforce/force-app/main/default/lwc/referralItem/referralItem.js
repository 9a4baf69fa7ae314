import { LightningElement, api } from 'lwc';
import { NavigationMixin } from 'lightning/navigation';
import NEXT_STEP from '@salesforce/label/c.Referral_Next_Step';
import NO_REWARDS from '@salesforce/label/c.Referral_No_Rewards';
import STAGE_PATH from '@salesforce/label/c.Referral_Stage_Path';
import REWARDS from '@salesforce/label/c.Referral_Rewards';
import DISPUTE from '@salesforce/label/c.Referral_Dispute';
import DISPUTE_OF from '@salesforce/label/c.Referral_Dispute_Of';
import { fill } from 'c/referralFormat';

/** One referral: who, how far, what was decided about each reward, and the way to a dispute. */
export default class ReferralItem extends NavigationMixin(LightningElement) {
    @api recordId;
    @api referral;
    @api canDispute = false;

    labels = { NEXT_STEP, NO_REWARDS, STAGE_PATH, REWARDS, DISPUTE };
    isDisputing = false;
    mustFocus = false;
    personUrl = '#';
    opportunityUrl = '#';

    async connectedCallback() {
        const { person, opportunity } = this.referral;
        if (person.recordId) this.personUrl = await this[NavigationMixin.GenerateUrl](pageOf(person.recordId));
        if (opportunity) this.opportunityUrl = await this[NavigationMixin.GenerateUrl](pageOf(opportunity.id));
    }

    renderedCallback() {
        if (!this.mustFocus) return;
        this.mustFocus = false;
        this.template.querySelector('[data-focus="dispute"]')?.focus();
    }

    get meta() {
        const { direction, since, via } = this.referral;
        return [direction, since, via].filter((part) => part !== '').join(' · ');
    }

    get hasSteps() {
        return this.referral.steps.length > 0;
    }

    get hasRewards() {
        return this.referral.rewards.length > 0;
    }

    /** Before anything is decided, the next step says what would be. */
    get hasNoWord() {
        return !this.hasRewards && !this.referral.nextStep;
    }

    get showDispute() {
        return this.canDispute && !this.isDisputing;
    }

    get disputeLabel() {
        return fill(DISPUTE_OF, this.referral.person.name);
    }

    /** An address works in a browser tab; in the app and the console the platform opens the record in its own way. */
    handlePerson(event) {
        event.preventDefault();
        this[NavigationMixin.Navigate](pageOf(this.referral.person.recordId));
    }

    handleOpportunity(event) {
        event.preventDefault();
        this[NavigationMixin.Navigate](pageOf(this.referral.opportunity.id));
    }

    handleDispute() {
        this.isDisputing = true;
    }

    handleClose() {
        this.isDisputing = false;
        this.mustFocus = true;
    }

    handleAsked(event) {
        this.handleClose();
        this.dispatchEvent(new CustomEvent('asked', { detail: event.detail }));
    }
}

function pageOf(recordId) {
    return { type: 'standard__recordPage', attributes: { recordId, actionName: 'view' } };
}
