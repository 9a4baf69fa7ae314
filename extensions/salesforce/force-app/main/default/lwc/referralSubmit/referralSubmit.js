import { LightningElement, api } from 'lwc';
import submitReferral from '@salesforce/apex/ReferralHistoryController.submitReferral';
import TITLE from '@salesforce/label/c.Referral_Submit';
import SEND from '@salesforce/label/c.Referral_Submit_Send';
import CANCEL from '@salesforce/label/c.Referral_Cancel';
import DIRECTION from '@salesforce/label/c.Referral_Submit_Direction';
import RECEIVED from '@salesforce/label/c.Referral_Submit_Received';
import MADE from '@salesforce/label/c.Referral_Submit_Made';
import OPPORTUNITY_HINT from '@salesforce/label/c.Referral_Submit_Opportunity_Hint';
import FRIEND from '@salesforce/label/c.Referral_Submit_Friend';
import FIRST_NAME from '@salesforce/label/c.Referral_Submit_First_Name';
import LAST_NAME from '@salesforce/label/c.Referral_Submit_Last_Name';
import EMAIL from '@salesforce/label/c.Referral_Submit_Email';
import PHONE from '@salesforce/label/c.Referral_Submit_Phone';
import COMPANY from '@salesforce/label/c.Referral_Submit_Company';
import MEMBER_NEEDED from '@salesforce/label/c.Referral_Submit_Member_Needed';
import NOTE from '@salesforce/label/c.Referral_Submit_Note';
import DONE from '@salesforce/label/c.Referral_Submit_Done';
import CONSENT_TITLE from '@salesforce/label/c.Referral_Consent_Title';
import CONSENT_TOLD from '@salesforce/label/c.Referral_Consent_Told';
import { errorText, newKey } from 'c/referralFormat';

const FIELDS = [
    { name: 'firstName', label: FIRST_NAME, type: 'text', required: false },
    { name: 'lastName', label: LAST_NAME, type: 'text', required: true },
    { name: 'email', label: EMAIL, type: 'email', required: true },
    { name: 'phone', label: PHONE, type: 'tel', required: false },
    { name: 'company', label: COMPANY, type: 'text', required: false }
];
/** Longer words would fill the row that Wonward reads. */
const NOTE_LENGTH_MAX = 2_000;

/** A rep writes down that somebody referred somebody. */
export default class ReferralSubmit extends LightningElement {
    @api recordId;
    @api objectApiName;
    /** The member that this person is already, if any. */
    @api member;
    /** What the friend is to be told; undefined where the account has written nothing. */
    @api consent;

    labels = { TITLE, SEND, CANCEL, DIRECTION, OPPORTUNITY_HINT, FRIEND, NOTE, CONSENT_TITLE, CONSENT_TOLD };
    directions = [
        { label: RECEIVED, value: 'received' },
        { label: MADE, value: 'made' }
    ];
    fields = FIELDS;
    noteLengthMax = NOTE_LENGTH_MAX;
    direction = 'received';
    memberId = '';
    problem = '';
    isBusy = false;
    wasJudged = false;
    isTold = false;
    /** As it was when the form was opened: the words must not become others under a tick that says they were read out. */
    words;
    key = newKey();
    hasFocused = false;

    connectedCallback() {
        this.words = this.consent;
    }

    renderedCallback() {
        if (this.hasFocused) return;
        this.hasFocused = true;
        this.template.querySelector('h3').focus();
    }

    get isPerson() {
        return this.objectApiName === 'Contact' || this.objectApiName === 'Lead';
    }

    get isOpportunity() {
        return this.objectApiName === 'Opportunity';
    }

    get isMade() {
        return this.isPerson && this.direction === 'made';
    }

    get asksMember() {
        return !this.isMade;
    }

    get asksFriend() {
        return this.isMade || this.objectApiName === 'Account';
    }

    handleDirection(event) {
        this.direction = event.detail.value;
        this.problem = '';
    }

    handleMember(event) {
        this.memberId = event.detail.memberId;
        this.problem = '';
    }

    /** A complaint that goes only when its field is left would move the buttons away from under the press that leaves it. */
    handleTyped(event) {
        this.problem = '';
        if (this.wasJudged) event.target.reportValidity();
    }

    handleTold(event) {
        this.isTold = event.detail.checked;
    }

    handleCancel() {
        this.dispatchEvent(new CustomEvent('cancel'));
    }

    async handleSend() {
        this.problem = '';
        const friend = this.asksFriend ? this.typedFriend() : { recordId: this.isPerson ? this.recordId : null };
        if (friend === null) return;
        const memberId = this.isMade ? (this.member?.id ?? null) : this.memberId;
        if (memberId === '') {
            this.problem = MEMBER_NEEDED;
            this.template.querySelector('c-referral-member-search').focus();
            return;
        }
        const request = {
            // Somebody who refers becomes a member by it.
            member: { recordId: this.isMade && memberId === null ? this.recordId : null, code: null },
            friend,
            note: this.template.querySelector('lightning-textarea').value || null,
            ...this.told()
        };
        this.isBusy = true;
        try {
            await submitReferral({ recordId: this.recordId, memberId, request: JSON.stringify(request), key: this.key });
            this.dispatchEvent(new CustomEvent('asked', { detail: { message: DONE } }));
        } catch (error) {
            this.problem = errorText(error);
            this.isBusy = false;
        }
    }

    /** Nothing where the rep does not say that the friend was told. */
    told() {
        if (!this.words || !this.isTold) return {};
        const { version, language } = this.words;
        return { consent: { version, language } };
    }

    /** null: something is missing, and its field says so. */
    typedFriend() {
        this.wasJudged = true;
        const inputs = [...this.template.querySelectorAll('lightning-input.field')];
        const valid = inputs.map((input) => input.reportValidity()).every(Boolean);
        if (!valid) {
            inputs.find((input) => !input.checkValidity()).focus();
            return null;
        }
        const typed = Object.fromEntries(inputs.map(({ name, value }) => [name, value?.trim() || null]));
        return { recordId: null, ...typed };
    }
}
