import { LightningElement, api } from 'lwc';
import openDispute from '@salesforce/apex/ReferralHistoryController.openDispute';
import TITLE from '@salesforce/label/c.Referral_Dispute_Title';
import CLAIM from '@salesforce/label/c.Referral_Dispute_Claim';
import WRONG_MEMBER from '@salesforce/label/c.Referral_Dispute_Wrong_Member';
import NOT_REWARDED from '@salesforce/label/c.Referral_Dispute_Not_Rewarded';
import WRONG_AMOUNT from '@salesforce/label/c.Referral_Dispute_Wrong_Amount';
import FRAUD from '@salesforce/label/c.Referral_Dispute_Fraud';
import OTHER from '@salesforce/label/c.Referral_Dispute_Other';
import REWARD from '@salesforce/label/c.Referral_Dispute_Reward';
import WHOLE from '@salesforce/label/c.Referral_Dispute_Whole';
import NOTE from '@salesforce/label/c.Referral_Dispute_Note';
import SEND from '@salesforce/label/c.Referral_Dispute_Send';
import DONE from '@salesforce/label/c.Referral_Dispute_Done';
import CANCEL from '@salesforce/label/c.Referral_Cancel';
import MEMBER_NEEDED from '@salesforce/label/c.Referral_Submit_Member_Needed';
import { errorText, newKey } from 'c/referralFormat';

/** Longer words would fill the row that Wonward reads. */
const NOTE_LENGTH_MAX = 2_000;

/** A rep says what is wrong with a referral; a reviewer decides. */
export default class ReferralDispute extends LightningElement {
    @api recordId;
    @api referral;

    labels = { TITLE, CLAIM, REWARD, NOTE, SEND, CANCEL };
    claims = [
        { label: NOT_REWARDED, value: 'not_rewarded' },
        { label: WRONG_AMOUNT, value: 'wrong_amount' },
        { label: WRONG_MEMBER, value: 'wrong_member' },
        { label: FRAUD, value: 'fraud' },
        { label: OTHER, value: 'other' }
    ];
    noteLengthMax = NOTE_LENGTH_MAX;
    claim = '';
    rewardId = '';
    memberId = '';
    problem = '';
    isBusy = false;
    wasJudged = false;
    key = newKey();
    hasFocused = false;

    renderedCallback() {
        if (this.hasFocused) return;
        this.hasFocused = true;
        this.template.querySelector('h4').focus();
    }

    get rewards() {
        return [
            { label: WHOLE, value: '' },
            ...this.referral.rewards.map(({ id, title, stateWord }) => ({ label: `${title}, ${stateWord}`, value: id }))
        ];
    }

    get hasRewards() {
        return this.referral.rewards.length > 0;
    }

    get asksMember() {
        return this.claim === 'wrong_member';
    }

    handleClaim(event) {
        this.claim = event.detail.value;
        this.memberId = '';
    }

    handleReward(event) {
        this.rewardId = event.detail.value;
    }

    handleMember(event) {
        this.memberId = event.detail.memberId;
        this.problem = '';
    }

    /** A complaint that goes only when its field is left would move the buttons away from under the press that leaves it. */
    handleTyped(event) {
        if (this.wasJudged) event.target.reportValidity();
    }

    handleCancel() {
        this.dispatchEvent(new CustomEvent('cancel'));
    }

    async handleSend() {
        this.problem = '';
        this.wasJudged = true;
        const claim = this.template.querySelector('lightning-radio-group.claim');
        const note = this.template.querySelector('lightning-textarea');
        const missing = [claim, note].filter((field) => !field.reportValidity());
        if (missing.length > 0) {
            missing[0].focus();
            return;
        }
        if (this.asksMember && this.memberId === '') {
            this.problem = MEMBER_NEEDED;
            this.template.querySelector('c-referral-member-search').focus();
            return;
        }
        const request = {
            claim: this.claim,
            rewardId: this.rewardId || null,
            memberId: this.memberId || null,
            note: note.value
        };
        this.isBusy = true;
        try {
            await openDispute({
                recordId: this.recordId,
                referralId: this.referral.id,
                request: JSON.stringify(request),
                key: this.key
            });
            this.dispatchEvent(new CustomEvent('asked', { detail: { message: DONE } }));
        } catch (error) {
            this.problem = errorText(error);
            this.isBusy = false;
        }
    }
}
