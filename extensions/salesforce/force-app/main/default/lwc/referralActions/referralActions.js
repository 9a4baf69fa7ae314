import { LightningElement, api } from 'lwc';
import TITLE from '@salesforce/label/c.Referral_Actions';

/** What was asked of Wonward here, and what came of it. */
export default class ReferralActions extends LightningElement {
    @api actions;

    labels = { TITLE };
}
