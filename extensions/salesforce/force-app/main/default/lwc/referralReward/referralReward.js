import { LightningElement, api } from 'lwc';
import NEXT_STEP from '@salesforce/label/c.Referral_Next_Step';

/** What one rule made of a referral for one side: state and money first, then why, then what is missing and what comes. */
export default class ReferralReward extends LightningElement {
    @api reward;

    labels = { NEXT_STEP };
}
