import { LightningElement, api } from 'lwc';
import findMembers from '@salesforce/apex/ReferralHistoryController.findMembers';
import LABEL from '@salesforce/label/c.Referral_Search_Label';
import FIND from '@salesforce/label/c.Referral_Search_Find';
import RESULTS from '@salesforce/label/c.Referral_Search_Results';
import NONE from '@salesforce/label/c.Referral_Search_None';
import SHORT from '@salesforce/label/c.Referral_Search_Short';
import { errorText } from 'c/referralFormat';

/** As the controller asks. */
const TERM_LENGTH_MIN = 2;

/** Finds a member by name or code. Tells `choose` of the one that was chosen, or of none. */
export default class ReferralMemberSearch extends LightningElement {
    labels = { LABEL, FIND, RESULTS };
    term = '';
    options = [];
    chosen = '';
    notice = '';

    @api
    focus() {
        this.template.querySelector('lightning-input')?.focus();
    }

    get hasOptions() {
        return this.options.length > 0;
    }

    handleTerm(event) {
        this.term = event.target.value;
    }

    handleKey(event) {
        if (event.key !== 'Enter') return;
        event.preventDefault();
        this.find();
    }

    async find() {
        const term = this.term.trim();
        this.tell('');
        this.options = [];
        if (term.length < TERM_LENGTH_MIN) {
            this.notice = SHORT;
            return;
        }
        try {
            const found = await findMembers({ term });
            this.options = found.map(({ id, name, code, email }) => ({
                value: id,
                label: [name, code, email].filter(Boolean).join(' · ')
            }));
            this.notice = found.length === 0 ? NONE : '';
            if (found.length === 1) this.tell(found[0].id);
        } catch (error) {
            this.notice = errorText(error);
        }
    }

    handleChoose(event) {
        this.tell(event.detail.value);
    }

    tell(memberId) {
        this.chosen = memberId;
        this.dispatchEvent(new CustomEvent('choose', { detail: { memberId } }));
    }
}
